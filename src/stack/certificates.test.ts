import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endsSoon, ensureCertificates, isFor } from './certificates.js';

const DAY_MS = 86_400_000;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowhouse-tls-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

async function ensure(...names: string[]): Promise<X509Certificate> {
  const files = await ensureCertificates({ directory, names, report: () => undefined });
  return new X509Certificate(readFileSync(files.certificate));
}

function authority(): X509Certificate {
  return new X509Certificate(readFileSync(join(directory, 'ca.crt')));
}

test('signs a certificate for every name and address', async () => {
  const certificate = await ensure('db.example.com', '203.0.113.7', '::1');

  expect(certificate.verify(authority().publicKey)).toBe(true);
  expect(['db.example.com', '203.0.113.7', '::1'].every((name) => isFor(certificate, name))).toBe(true);
  expect(isFor(certificate, 'other.example.com')).toBe(false);
  expect(authority().ca).toBe(true);
  expect(certificate.ca).toBe(false);
});

test('keeps the certificate while it fits', async () => {
  const first = await ensure('db.example.com');

  expect((await ensure('db.example.com')).serialNumber).toBe(first.serialNumber);
});

test('a new name brings a new certificate of the same authority', async () => {
  const first = await ensure('db.example.com');
  const ca = authority().serialNumber;

  expect((await ensure('new.example.com')).serialNumber).not.toBe(first.serialNumber);
  expect(authority().serialNumber).toBe(ca);
});

test('a certificate ends soon within its last thirty days', async () => {
  const certificate = await ensure('localhost');
  const end = Date.parse(certificate.validTo);

  expect(endsSoon(certificate)).toBe(false);
  expect(endsSoon(certificate, end - 29 * DAY_MS)).toBe(true);
});
