import { existsSync } from 'node:fs';
import type { Config } from '../config/config.js';

export interface Welcome {
  readonly url: string;
  /** Null when it was made at an earlier start, or comes from the environment. */
  readonly adminKey: string | null;
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
    adminKey ? 'Create a database:' : 'Create a database, with your key in ROWHOUSE_KEY:',
    '',
    `curl -s ${verification(config)}-X POST ${url}/api/databases -H 'Content-Type: application/json' -H ${keyHeader(adminKey)} -d '{"friendlyName": "my first database", "ownerEmail": "me@example.com"}'`,
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

function keyLines(adminKey: string | null, isFromEnvironment: boolean): string[] {
  if (adminKey) return [`  Admin key   ${adminKey}`, '              Keep it: it is not shown again.'];
  if (isFromEnvironment) return ['  Admin key   the one in API_KEY'];
  return [
    "  Admin key   shown at the first start; another one: npx rowhouse keys create --name admin --scope '*'",
  ];
}

function keyHeader(adminKey: string | null): string {
  return adminKey ? `'X-API-Key: ${adminKey}'` : '"X-API-Key: $ROWHOUSE_KEY"';
}
