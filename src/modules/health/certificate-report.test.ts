import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { TestAuthority } from '../../../test/support/certificates.js';
import { describeCertificate } from './certificate-report.js';

const DAY_MS = 86_400_000;
let certificate: X509Certificate;

beforeAll(async () => {
  const authority = await TestAuthority.create();
  certificate = new X509Certificate((await authority.issue('db.example.com', 90)).certificate);
});

test.each([
  [90, 'ok', 90],
  [14, 'ok', 14],
  [13.9, 'expiring', 13],
  [0.1, 'expiring', 0],
  [-0.1, 'expired', -1],
])('%d days before its end a certificate is %s', (days, status, left) => {
  const now = new Date(Date.parse(certificate.validTo) - days * DAY_MS);

  expect(describeCertificate('postgres', certificate, now)).toMatchObject({ status, days_left: left });
});
