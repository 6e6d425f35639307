import { resolve } from 'node:path';
import { Type } from 'class-transformer';
import {
  IsEmail,
  IsFQDN,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUrl,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';

/** Where the certificate of the local stack's servers comes from. */
export type TlsSource = LocalTls | FilesTls | AcmeTls;

/** A CA of Rowhouse's own. */
export interface LocalTls {
  readonly mode: 'local';
}

/** Files that somebody else renews. */
export interface FilesTls {
  readonly mode: 'files';
  readonly certificateFile: string;
  readonly keyFile: string;
  /** What clients should trust; null where their systems' roots do. */
  readonly caFile: string | null;
}

/** An ACME server such as Let's Encrypt, asked by certbot. */
export interface AcmeTls {
  readonly mode: 'acme';
  readonly name: string;
  readonly email: string;
  readonly directoryUrl: string;
  readonly httpPort: number;
  /** Served on port 80 by somebody else; null when certbot itself should listen on `httpPort`. */
  readonly webroot: string | null;
  /** Who issued the certificate of the ACME server itself, when systems don't know it. */
  readonly serverCaFile: string | null;
  /** What clients should trust; null where their systems' roots do. */
  readonly caFile: string | null;
}

const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';
const MODES = ['local', 'files', 'acme'] as const;
const MAX_PORT = 65_535;

const When = (mode: (typeof MODES)[number]) =>
  ValidateIf(({ TLS_MODE }: TlsEnvironment) => TLS_MODE === mode);

export class TlsEnvironment {
  @IsIn(MODES)
  TLS_MODE: string = 'local';

  @When('files')
  @IsString({ message: 'TLS_CERT_FILE must name the certificate when TLS_MODE is files' })
  TLS_CERT_FILE?: string;

  @When('files')
  @IsString({ message: 'TLS_KEY_FILE must name the key when TLS_MODE is files' })
  TLS_KEY_FILE?: string;

  @IsOptional()
  @IsString()
  TLS_CA_FILE?: string;

  @When('acme')
  @IsFQDN({}, { message: 'PUBLIC_HOST must be a DNS name when TLS_MODE is acme' })
  PUBLIC_HOST?: string;

  @When('acme')
  @IsEmail({}, { message: 'ACME_EMAIL must be an email address when TLS_MODE is acme' })
  ACME_EMAIL?: string;

  @IsUrl({ protocols: ['https'], require_protocol: true, require_tld: false })
  ACME_DIRECTORY_URL = LETS_ENCRYPT;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PORT)
  ACME_HTTP_PORT = 80;

  @IsOptional()
  @IsString()
  ACME_WEBROOT?: string;

  @IsOptional()
  @IsString()
  ACME_CA_FILE?: string;
}

export const TLS_VARIABLES = [
  'TLS_MODE',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
  'TLS_CA_FILE',
  'PUBLIC_HOST',
  'ACME_EMAIL',
  'ACME_DIRECTORY_URL',
  'ACME_HTTP_PORT',
  'ACME_WEBROOT',
  'ACME_CA_FILE',
] as const satisfies readonly (keyof TlsEnvironment)[];

/** Of a validated environment. */
export function toTlsSource(env: TlsEnvironment): TlsSource {
  if (env.TLS_MODE === 'files') {
    return {
      mode: 'files',
      certificateFile: resolve(env.TLS_CERT_FILE ?? ''),
      keyFile: resolve(env.TLS_KEY_FILE ?? ''),
      caFile: toPath(env.TLS_CA_FILE),
    };
  }
  if (env.TLS_MODE === 'acme') {
    return {
      mode: 'acme',
      name: (env.PUBLIC_HOST ?? '').toLowerCase(),
      email: env.ACME_EMAIL ?? '',
      directoryUrl: env.ACME_DIRECTORY_URL,
      httpPort: env.ACME_HTTP_PORT,
      webroot: toPath(env.ACME_WEBROOT),
      serverCaFile: toPath(env.ACME_CA_FILE),
      caFile: toPath(env.TLS_CA_FILE),
    };
  }
  return { mode: 'local' };
}

function toPath(path: string | undefined): string | null {
  return path ? resolve(path) : null;
}
