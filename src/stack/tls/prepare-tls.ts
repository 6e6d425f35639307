import type { AcmeTls, FilesTls, TlsSource } from '../../config/tls-config.js';
import { Certbot } from '../../infra/acme/certbot.js';
import { type CertificatePair, parseCertificates, parsePair } from '../../infra/tls/certificate-pair.js';
import { type PairFiles, readPairFiles, readPart } from '../../infra/tls/pair-files.js';
import { digestOf, PAIR_VARIABLES, PairSource } from '../../infra/tls/pair-source.js';
import { isLoopback } from '../addresses.js';
import { findCertbot } from '../binaries.js';
import { type CertificateFiles, ensureCertificates, isFor, serverNames } from '../certificates.js';
import type { DataDirectory } from '../data-directory.js';
import { asService, type ServiceAccount } from '../service-account.js';
import { StackError } from '../stack-error.js';
import { ServedFiles } from './served-files.js';

const CERTBOT_NAMES = { ...PAIR_VARIABLES, certificate: 'certbot', key: 'certbot' };

export interface TlsRequest {
  readonly tls: TlsSource;
  readonly directory: DataDirectory;
  readonly account: ServiceAccount | null;
  readonly publicHost: string;
  readonly report: (line: string) => void;
}

/** What the servers start with, and what is to be followed while they run. */
export interface PreparedTls {
  readonly files: CertificateFiles;
  readonly served: ServedFiles;
  /** Null for the local CA: there is nothing to follow. */
  readonly source: PairSource | null;
  readonly digest: string;
  readonly certbot: Certbot | null;
}

interface Chosen {
  readonly pair: CertificatePair;
  readonly source: PairSource | null;
  readonly digest: string;
  readonly certbot: Certbot | null;
}

/**
 * The local CA is made in every mode: it serves where nothing better does yet, and PgBouncer needs a CA file of some kind.
 * Throws StackError when files that the environment names cannot be used.
 */
export async function prepareTls(request: TlsRequest): Promise<PreparedTls> {
  const { directory, account, publicHost, report } = request;
  const local = await ensureCertificates({
    directory: directory.tls,
    names: serverNames(publicHost),
    report,
  });
  const { pair, ...rest } = await choose(request, local);
  const served = new ServedFiles(directory, account);
  if (!served.holds(pair)) served.write(pair);
  const files = { ca: local.ca, certificate: directory.servedPair, key: directory.servedPair };
  return { files, served, ...rest };
}

function choose(request: TlsRequest, local: CertificateFiles): Promise<Chosen> {
  const { tls } = request;
  if (tls.mode === 'files') return chooseFiles(request, tls);
  if (tls.mode === 'acme') return chooseAcme(request, tls, local);
  return chooseLocal(local);
}

async function chooseLocal(local: PairFiles): Promise<Chosen> {
  return { pair: parsePair(await readPairFiles(local)), source: null, digest: '', certbot: null };
}

async function chooseFiles({ publicHost, report }: TlsRequest, tls: FilesTls): Promise<Chosen> {
  const source = new PairSource({ certificate: tls.certificateFile, key: tls.keyFile, ca: tls.caFile });
  try {
    const text = await source.read();
    const pair = parsePair(text);
    if (!isLoopback(publicHost) && !isFor(pair.leaf, publicHost))
      report(`TLS_CERT_FILE: the certificate is not for ${publicHost}: clients that verify it refuse it`);
    return { pair, source, digest: digestOf(text), certbot: null };
  } catch (error) {
    throw new StackError(source.explain(error), [], { cause: error });
  }
}

async function chooseAcme(
  { directory, report }: TlsRequest,
  tls: AcmeTls,
  local: PairFiles,
): Promise<Chosen> {
  const certbot = createCertbot(directory, tls);
  const source = new PairSource({ ...certbot.files, ca: tls.caFile }, CERTBOT_NAMES);
  await assertCa(source);
  const digest = await source.digest();
  const issued = await source
    .read()
    .then(parsePair)
    .catch(() => null);
  if (issued) return { pair: issued, source, digest, certbot };
  report(`There is no certificate for ${tls.name} yet: until certbot has one, the local CA's is served`);
  return { ...(await chooseLocal(local)), source, digest, certbot };
}

function createCertbot(directory: DataDirectory, tls: AcmeTls): Certbot {
  return new Certbot({
    program: asService(null, [findCertbot()]),
    directory: directory.acme,
    name: tls.name,
    email: tls.email,
    directoryUrl: tls.directoryUrl,
    challenge: tls.webroot ? { webroot: tls.webroot } : { port: tls.httpPort },
    serverCaFile: tls.serverCaFile,
  });
}

/** certbot's own files come later, but TLS_CA_FILE has to be there. */
async function assertCa(source: PairSource): Promise<void> {
  const { ca } = source.files;
  if (ca === null) return;
  try {
    parseCertificates(await readPart('ca', ca), 'ca');
  } catch (error) {
    throw new StackError(source.explain(error), [], { cause: error });
  }
}
