import { existsSync } from 'node:fs';
import type { Config } from '../config/config.js';

/** The key itself, the file that has it, or why there is no such file. */
export type AdminKeyPlace =
  | { readonly key: string }
  | { readonly file: string }
  | { readonly directory: string; readonly problem: string };

export interface Welcome {
  readonly url: string;
  /** Null when it was made at an earlier start, or comes from the environment. */
  readonly adminKey: AdminKeyPlace | null;
  readonly config: Config;
  /** Null without a local stack. */
  readonly dataDir: string | null;
}

/** What somebody needs to go on: where the API is, how to be let in, and a first request that works when pasted. */
export function renderWelcome({ url, adminKey, config, dataDir }: Welcome): string {
  return [
    '',
    `  API         ${url}/api`,
    `  Swagger UI  ${url}/docs`,
    `  PostgreSQL  ${addresses(config)}`,
    ...(dataDir ? [`  Data        ${dataDir}`] : []),
    ...keyLines(adminKey, config.apiKey !== null),
    '',
    ...firstStep(adminKey),
    `curl -s ${verification(config)}-X POST ${url}/api/databases -H 'Content-Type: application/json' -H "X-API-Key: $ROWHOUSE_KEY" -d '{"friendlyName": "my first database", "ownerEmail": "me@example.com"}'`,
    '',
  ].join('\n');
}

/** Only when the API serves HTTPS with a certificate of a CA that the system does not know. */
function verification({ http, caFile }: Config): string {
  return http.tls && caFile && existsSync(caFile) ? `--cacert ${caFile} ` : '';
}

function addresses({ server, publicHost }: Config): string {
  const direct = `${publicHost ?? server.host}:${server.port}`;
  if (server.pooler === null) return direct;
  return `${direct}, pooled ${publicHost ?? server.pooler.host}:${server.pooler.port}`;
}

/** The key stands here only, once. */
function firstStep(place: AdminKeyPlace | null): string[] {
  if (place === null || 'problem' in place) return ['Create a database, with your key in ROWHOUSE_KEY:', ''];
  const value = 'key' in place ? place.key : `"$(cat '${place.file}')"`;
  return ['Create a database:', '', `export ROWHOUSE_KEY=${value}`];
}

function keyLines(place: AdminKeyPlace | null, isFromEnvironment: boolean): string[] {
  if (place === null && isFromEnvironment) return ['  Admin key   the one in API_KEY'];
  if (place === null) return [`  Admin key   shown at the first start; another one: ${CREATE_KEY}`];
  if ('key' in place) return ['  Admin key   below, in ROWHOUSE_KEY. Keep it: it is not shown again.'];
  if ('file' in place)
    return [`  Admin key   in ${place.file}, for you only: keep it elsewhere, then remove the file`];
  return [
    `  Admin key   not shown, since this is no terminal, and ${place.directory} cannot be written (${place.problem}).`,
    `              Another one: ${CREATE_KEY}`,
  ];
}

const CREATE_KEY = "npx rowhouse keys create --name admin --scope '*'";
