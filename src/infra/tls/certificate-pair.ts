import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** PEM, as it stands in files. */
export interface PairText {
  /** The server's certificate first, then those between it and the root. */
  readonly certificate: string;
  readonly key: string;
  /** What clients should trust; null where their systems' roots do. */
  readonly ca: string | null;
}

export type PairPart = keyof PairText;

/** A certificate and a key that a server can use together, and clients accept now. */
export interface CertificatePair {
  readonly leaf: X509Certificate;
  /** PEM of the leaf and those above it, and nothing else. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly ca: string | null;
}

/** Why a pair cannot be used, and which part of it is at fault. */
export class PairError extends Error {
  constructor(
    readonly part: PairPart,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the ${part} ${reason}`, options);
    this.name = 'PairError';
  }
}

/** Throws PairError unless the parts belong together, are valid now and are strong enough for TLS. */
export function parsePair({ certificate, key, ca }: PairText, now = Date.now()): CertificatePair {
  const chain = parseCertificates(certificate, 'certificate');
  const [leaf] = chain;
  assertValidNow(leaf, now);
  if (!leaf.checkPrivateKey(parseKey(key))) throw new PairError('key', 'does not belong to the certificate');
  if (ca !== null && !leadsTo(chain, parseCertificates(ca, 'ca')))
    throw new PairError('ca', 'did not issue the certificate, nor what stands above it in its file');
  const pair = { leaf, chain: toPem(chain), key: key.trim(), ca: ca && toPem(parseCertificates(ca, 'ca')) };
  assertUsable(pair);
  return pair;
}

/** The certificates of a PEM text, in its order. Throws PairError. */
export function parseCertificates(pem: string, part: PairPart): [X509Certificate, ...X509Certificate[]] {
  const [first, ...more] = pem.match(CERTIFICATE) ?? [];
  if (first === undefined) throw new PairError(part, 'holds no certificate in PEM');
  try {
    return [new X509Certificate(first), ...more.map((block) => new X509Certificate(block))];
  } catch (error) {
    throw new PairError(part, 'holds a certificate that cannot be read', { cause: error });
  }
}

function parseKey(pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) throw new PairError('key', 'is encrypted: servers need it without a passphrase');
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new PairError('key', 'holds no private key in PEM', { cause: error });
  }
}

function assertValidNow(leaf: X509Certificate, now: number): void {
  if (Date.parse(leaf.validTo) <= now)
    throw new PairError('certificate', `expired on ${isoTime(leaf.validTo)}`);
  if (Date.parse(leaf.validFrom) > now)
    throw new PairError('certificate', `is not valid before ${isoTime(leaf.validFrom)}`);
}

/** Follows the issuers within the chain until one of the roots, or one issued by a root, is reached. */
function leadsTo(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean {
  let [current, ...above] = chain;
  while (current) {
    const reached: X509Certificate = current;
    if (roots.some((root) => isSame(reached, root) || isIssuedBy(reached, root))) return true;
    current = above.find((certificate) => isIssuedBy(reached, certificate));
    above = above.filter((certificate) => certificate !== current);
  }
  return false;
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.fingerprint256 === other.fingerprint256;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** OpenSSL itself is asked, since it refuses keys and digests that are too weak. */
function assertUsable({ chain, key }: { chain: string; key: string }): void {
  try {
    createSecureContext({ cert: chain, key });
  } catch (error) {
    throw new PairError('certificate', `is refused by OpenSSL (${codeOf(error)})`, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function toPem(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

function isoTime(text: string): string {
  return new Date(text).toISOString();
}
