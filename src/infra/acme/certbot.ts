import { join } from 'node:path';
import { searchPath } from '../../config/stack-config.js';
import { CommandError, runCommand } from '../process/run-command.js';
import type { PairFiles } from '../tls/pair-files.js';

/** How the ACME server is shown that the name is ours (RFC 8555, 8.3), over HTTP. */
export type HttpChallenge =
  /** certbot itself listens on the port for as long as it takes. */
  | { readonly port: number }
  /** Another server on port 80 serves `.well-known/acme-challenge` from this directory. */
  | { readonly webroot: string };

export interface CertbotOptions {
  /** Runs certbot with these arguments, in a way that it ends with us. */
  readonly program: readonly [string, ...string[]];
  readonly directory: string;
  readonly name: string;
  readonly email: string;
  readonly directoryUrl: string;
  readonly challenge: HttpChallenge;
  /** Who issued the certificate of the ACME server itself, when systems don't know it. */
  readonly serverCaFile: string | null;
}

const BOILERPLATE = /^(Saving debug log|Ask for help)/;

/** Accounts, keys and certificates of one ACME server, kept by certbot in a directory of ours. */
export class Certbot {
  constructor(private readonly options: CertbotOptions) {}

  /** Where certbot leaves what it got: links, which it replaces at each renewal. */
  get files(): PairFiles {
    const live = join(this.directory, 'config', 'live', this.options.name);
    return { certificate: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem'), ca: null };
  }

  /** Gets a certificate, or a new one when the present one is due (30 days before its end). Throws CommandError. */
  async obtain(signal: AbortSignal): Promise<void> {
    const { program, serverCaFile } = this.options;
    const env = {
      PATH: searchPath().join(':'),
      LC_ALL: 'C.UTF-8',
      ...(serverCaFile && { REQUESTS_CA_BUNDLE: serverCaFile }),
    };
    await runCommand([...program, ...this.arguments()], { env, signal });
  }

  private arguments(): string[] {
    const { name, email, directoryUrl } = this.options;
    return [
      'certonly',
      '--non-interactive',
      '--agree-tos',
      '--no-eff-email',
      '--keep-until-expiring',
      `--email=${email}`,
      `--server=${directoryUrl}`,
      `--cert-name=${name}`,
      `--domain=${name}`,
      `--config-dir=${join(this.directory, 'config')}`,
      `--work-dir=${join(this.directory, 'work')}`,
      `--logs-dir=${join(this.directory, 'logs')}`,
      ...challengeArguments(this.options.challenge),
    ];
  }

  /** One for each ACME server, so that a certificate for trials is not kept when the real server is chosen. */
  private get directory(): string {
    const { host, pathname } = new URL(this.options.directoryUrl);
    return join(this.options.directory, `${host}${pathname}`.replace(/[^A-Za-z0-9.-]+/g, '_'));
  }
}

/** What the ACME server found wrong, else the end of what certbot said. */
export function explainCertbot(error: unknown): string {
  if (!(error instanceof CommandError)) return String(error);
  const lines = error.output.split('\n').map((line) => line.trim());
  const details = lines.filter((line) => line.startsWith('Detail:'));
  const telling = details.length > 0 ? details : lines.filter((line) => line && !BOILERPLATE.test(line));
  return telling.slice(-3).join(' ');
}

function challengeArguments(challenge: HttpChallenge): string[] {
  if ('webroot' in challenge) return ['--webroot', `--webroot-path=${challenge.webroot}`];
  return ['--standalone', '--preferred-challenges=http', `--http-01-port=${challenge.port}`];
}
