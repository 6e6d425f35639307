import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
/** The longest that Apple's TLS accepts for a server certificate of a private CA. */
const SERVER_DAYS = 825;
const RENEW_WITHIN_MS = 30 * DAY_MS;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface CertificateFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly directory: string;
  readonly names: readonly string[];
  readonly report: (line: string) => void;
}

/** A private CA and a server certificate for `names`; either is made anew when it is missing or ends soon. */
export async function ensureCertificates(request: CertificateRequest): Promise<CertificateFiles> {
  const { directory, names, report } = request;
  const caKeyFile = join(directory, 'ca.key');
  const files: CertificateFiles = {
    ca: join(directory, 'ca.crt'),
    certificate: join(directory, 'server.crt'),
    key: join(directory, 'server.key'),
  };
  if (!existsSync(caKeyFile) || !existsSync(files.ca) || endsSoon(read(files.ca))) {
    const isNew = !existsSync(files.ca);
    await createAuthority(files.ca, caKeyFile);
    if (!isNew) report('The CA certificate was made anew: clients that verify it need the new one');
  }
  if (needsServerCertificate(files, names)) await createServerCertificate(files, caKeyFile, names);
  return files;
}

/** The names and addresses by which this machine's servers are reached. */
export function serverNames(publicHost: string): string[] {
  return [...new Set([publicHost, 'localhost', '127.0.0.1', '::1', hostname()])];
}

export function endsSoon(certificate: X509Certificate, now = Date.now()): boolean {
  return Date.parse(certificate.validTo) - now < RENEW_WITHIN_MS;
}

export function isFor(certificate: X509Certificate, name: string): boolean {
  const match = isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name);
  return match !== undefined;
}

function needsServerCertificate(files: CertificateFiles, names: readonly string[]): boolean {
  if (!existsSync(files.certificate) || !existsSync(files.key)) return true;
  const certificate = read(files.certificate);
  if (endsSoon(certificate) || !certificate.verify(read(files.ca).publicKey)) return true;
  const key = createPrivateKey(readFileSync(files.key));
  return !certificate.checkPrivateKey(key) || !names.every((name) => isFor(certificate, name));
}

async function createAuthority(certificateFile: string, keyFile: string): Promise<void> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=Rowhouse CA ${randomBytes(4).toString('hex')}`,
    ...validity(CA_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeKey(keyFile, keys.privateKey);
  write(certificateFile, certificate.toString('pem'), 0o644);
}

async function createServerCertificate(
  files: CertificateFiles,
  caKeyFile: string,
  names: readonly string[],
): Promise<void> {
  const authority = new x509.X509Certificate(readFileSync(files.ca, 'utf8'));
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'CN=Rowhouse',
    issuer: authority.subject,
    ...validity(SERVER_DAYS, authority.notAfter),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await readSigningKey(caKeyFile),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) ? ('ip' as const) : ('dns' as const), value: name })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeKey(files.key, keys.privateKey);
  write(files.certificate, certificate.toString('pem'), 0o644);
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function readSigningKey(file: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(readFileSync(file)).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

async function writeKey(file: string, key: webcrypto.CryptoKey): Promise<void> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const pem = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({
    type: 'pkcs8',
    format: 'pem',
  });
  write(file, pem.toString(), 0o600);
}

/** An hour back, for clients whose clocks are slow. */
function validity(days: number, latest?: Date): { notBefore: Date; notAfter: Date } {
  const end = new Date(Date.now() + days * DAY_MS);
  return {
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: latest && latest < end ? latest : end,
  };
}

/** Positive, as RFC 5280 asks (4.1.2.2): the first bit is clear. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}

function read(file: string): X509Certificate {
  return new X509Certificate(readFileSync(file));
}

function write(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text.endsWith('\n') ? text : `${text}\n`, { mode });
  renameSync(`${file}.new`, file);
}
