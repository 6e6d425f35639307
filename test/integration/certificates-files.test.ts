import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { FilesTls } from '../../src/config/tls-config.js';
import { startLocalStack } from '../../src/stack/local-stack.js';
import { type IssuedPair, TestAuthority } from '../support/certificates.js';
import { createTestDirectory } from '../support/stack.js';
import { until } from '../support/until.js';
import { openWorld, type World } from '../support/world.js';
import { getVerified, NAME, openTransactions, PORTS, serials, verifyFull } from './certificates-fixture.js';

const authority = await TestAuthority.create();
const directory = mkdtempSync(join(tmpdir(), 'rowhouse-files-'));
const caFile = join(directory, 'ca.crt');
const live = join(directory, 'live');
const tls: FilesTls = {
  mode: 'files',
  certificateFile: join(live, 'fullchain.pem'),
  keyFile: join(live, 'privkey.pem'),
  caFile,
};
writeFileSync(caFile, authority.certificate);

afterAll(() => rmSync(directory, { recursive: true }));

/** Lays a pair down as certbot does: the names are links that are replaced. */
function put({ certificate, key, serial }: IssuedPair): void {
  const version = join(directory, serial);
  mkdirSync(version);
  writeFileSync(join(version, 'fullchain.pem'), certificate);
  writeFileSync(join(version, 'privkey.pem'), key);
  symlinkSync(version, `${live}.new`);
  renameSync(`${live}.new`, live);
}

describe('a start with files that cannot be used', () => {
  const good = authority.issue(NAME);
  const stranger = TestAuthority.create();

  test.each([
    ['a certificate that is not there', 'TLS_CERT_FILE', async () => ({ certificate: null })],
    ['a certificate that is none', 'TLS_CERT_FILE', async () => ({ certificate: 'none' })],
    ['an expired certificate', 'TLS_CERT_FILE', async () => authority.issue(NAME, -1)],
    ['the key of another one', 'TLS_KEY_FILE', async () => ({ key: (await authority.issue(NAME)).key })],
    ['the CA of another one', 'TLS_CA_FILE', async () => ({ ca: (await stranger).certificate })],
  ])('stops at %s and names %s', async (_, variable, change) => {
    const place = mkdtempSync(join(directory, 'bad-'));
    const texts = { ...(await good), ca: authority.certificate, ...(await change()) };
    const paths = { certificate: 'a.crt', key: 'a.key', ca: 'ca.crt' };
    for (const part of ['certificate', 'key', 'ca'] as const) {
      const text: string | null = texts[part];
      if (text !== null) writeFileSync(join(place, paths[part]), text);
    }
    const dataDir = createTestDirectory();
    const start = startLocalStack({
      dataDir,
      ports: 'free',
      publicHost: '127.0.0.1',
      report: () => undefined,
      tls: {
        mode: 'files',
        certificateFile: join(place, paths.certificate),
        keyFile: join(place, paths.key),
        caFile: join(place, paths.ca),
      },
    });

    await expect(start).rejects.toThrow(new RegExp(`^${variable}: `));
    rmSync(dataDir, { recursive: true });
  });
});

describe('with files', async () => {
  const lines: string[] = [];
  const first = await authority.issue(NAME);
  put(first);
  const world: World = await openWorld({
    tls,
    report: (line) => lines.push(line),
    env: { API_TLS: 'true' },
  });
  afterAll(() => world.stop());
  const { stack } = world;
  const apiPort = Number(new URL(world.app.url).port);
  const ask = (path: string) => getVerified(apiPort, path, authority.certificate);
  const untilReported = (text: string) =>
    until(`"${text}" is reported`, () => lines.some((line) => line.includes(text)));
  const served = async () => ({ ...(await serials(stack)), api: (await ask('/health')).serial });
  const everywhere = (serial: string) => ({ direct: serial, pooled: serial, api: serial });
  const untilServed = (serial: string) =>
    until(`${serial} is served`, async () => {
      const now = Object.values(await served());
      return now.every((shown) => shown === serial);
    });

  beforeEach(() => {
    lines.length = 0;
  });

  test('both ports and the API serve it to clients that verify everything', async () => {
    for (const port of PORTS) expect(await verifyFull(stack, port, caFile)).toBe('42');
    expect(await served()).toEqual(everywhere(first.serial));
  });

  test('the API offers the CA that clients need, and shows each certificate', async () => {
    const ca = new X509Certificate((await ask('/api/ca-certificate')).text);
    const { status, text } = await ask('/health/ready');

    expect(ca.fingerprint256).toBe(new X509Certificate(authority.certificate).fingerprint256);
    expect(status).toBe(200);
    expect(JSON.parse(text).certificates).toEqual(
      ['postgres', 'pgbouncer', 'api'].map((endpoint) => ({
        endpoint,
        status: 'ok',
        subject: `CN=${NAME}`,
        issuer: expect.stringMatching(/^CN=Test CA/),
        serial: first.serial,
        not_after: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        days_left: 89,
        reason: null,
      })),
    );
  });

  test('a new one is served while transactions go on, and its end is shown when it is near', async () => {
    const transactions = await openTransactions(stack);
    const second = await authority.issue(NAME, 10);

    put(second);
    await untilServed(second.serial);

    expect(await transactions.finish()).toEqual([true, true]);
    for (const port of PORTS) expect(await verifyFull(stack, port, caFile)).toBe('42');
    await until('readiness tells the end', async () => {
      const { status, text } = await ask('/health/ready');
      const states = JSON.parse(text).certificates.map((shown: { status: string }) => shown.status);
      return status === 200 && states.every((state: string) => state === 'expiring');
    });
  });

  test('a broken one is told by its variable, and the old one stays in force', async () => {
    const before = await served();
    const transactions = await openTransactions(stack);
    const { key } = await authority.issue(NAME);

    put({ ...(await authority.issue(NAME)), key });
    await untilReported('TLS_KEY_FILE: the key does not belong to the certificate');

    expect(await served()).toEqual(before);
    expect(await transactions.finish()).toEqual([true, true]);
    await stack.postgres.kill();
    await stack.postgres.start();
    expect(await served()).toEqual(before);
  });

  test('one that a server does not take is taken back everywhere, and the next one is served', async () => {
    await stack.pgbouncer.stop();
    put(await authority.issue(NAME));
    await untilReported('could not be put into force');
    await stack.pgbouncer.start();
    const [direct, pooled] = Object.values(await serials(stack));
    expect(direct).toBe(pooled);

    const next = await authority.issue(NAME);
    put(next);

    await untilServed(next.serial);
  });

  test('where systems know the issuer there is no CA to offer', async () => {
    rmSync(stack.env['TLS_CA_FILE'] ?? '');

    const { status, text } = await ask('/api/ca-certificate');

    expect(status).toBe(404);
    expect(JSON.parse(text).detail).toMatch(/sslrootcert=system/);
  });
});
