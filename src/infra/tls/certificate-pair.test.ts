import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { type IssuedPair, TestAuthority } from '../../../test/support/certificates.js';
import { PairError, parsePair } from './certificate-pair.js';

let authority: TestAuthority;
let good: IssuedPair;
let other: IssuedPair;

beforeAll(async () => {
  authority = await TestAuthority.create();
  good = await authority.issue('db.example.com');
  other = await authority.issue('other.example.com');
});

function failureOf(text: Partial<Record<'certificate' | 'key' | 'ca', string>>): string {
  try {
    parsePair({ ...good, ca: null, ...text });
    return 'none';
  } catch (error) {
    return error instanceof PairError ? `${error.part}: ${error.reason}` : String(error);
  }
}

test('takes a certificate, its chain and its key, and leaves out what stands around them', () => {
  const text = `Bag Attributes\n${good.certificate}\n${authority.certificate}`;

  const pair = parsePair({ certificate: text, key: good.key, ca: authority.certificate });

  expect(pair.leaf.serialNumber).toBe(good.serial);
  expect(pair.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect(pair.chain).not.toContain('Bag');
});

test('a certificate may be its own CA', () => {
  expect(failureOf({ ca: good.certificate })).toBe('none');
});

test('names the part that is wrong, and why', async () => {
  const stranger = await TestAuthority.create();
  const locked = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey;

  expect(failureOf({ certificate: 'nothing' })).toBe('certificate: holds no certificate in PEM');
  expect(failureOf({ certificate: good.certificate.replace(/MI../, 'AAAA') })).toMatch(/cannot be read/);
  expect(failureOf({ key: 'nothing' })).toBe('key: holds no private key in PEM');
  expect(failureOf({ key: other.key })).toBe('key: does not belong to the certificate');
  expect(failureOf({ key: locked })).toMatch(/^key: is encrypted/);
  expect(failureOf({ ca: stranger.certificate })).toMatch(/^ca: did not issue/);
});

test('refuses what clients would refuse now', async () => {
  const expired = await authority.issue('db.example.com', -1);

  expect(failureOf(expired)).toMatch(/^certificate: expired on \d{4}-/);
  expect(() => parsePair({ ...good, ca: null }, Date.now() - 2 * 86_400_000)).toThrow(/not valid before/);
});
