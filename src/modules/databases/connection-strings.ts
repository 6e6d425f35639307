import type { Endpoint } from '../../config/config.js';

/** A port, and what the database is called there: a tenant schema has another name on the pooled one. */
export interface Door extends Endpoint {
  readonly database?: string;
}

/** What it takes to reach one database on both ports. `pooled` is null on a server without PgBouncer. */
export interface ConnectionTarget {
  readonly databaseName: string;
  readonly username: string;
  readonly password: string;
  readonly direct: Door;
  readonly pooled: Door | null;
  /** Where its tables are, if not in `public`. PostgreSQL finds them by the login's search_path; the format for Prisma tells. */
  readonly schema: string | null;
  /** Whether it is one that can have a shadow database beside it. */
  readonly canHaveShadow: boolean;
}

export interface ConnectionStrings {
  connection_string: string;
  connection_string_pooled: string | null;
  shadow_database_url: string;
  shadow_database_url_pooled: string | null;
}

export const CONNECTION_FORMATS = ['prisma', 'typeorm', 'drizzle', 'libpq', 'jdbc', 'env'] as const;
export type ConnectionFormat = (typeof CONNECTION_FORMATS)[number];

/** Where the snippets expect the text of `GET /api/ca-certificate`: node-postgres verifies where libpq only encrypts. */
const CA_FILE = 'rowhouse-ca.crt';
const CA_SOURCE = `${CA_FILE} is the answer of GET /api/ca-certificate.`;

/** What node-postgres takes without a warning; the engines of Prisma's command line encrypt, and verify nothing. */
const VERIFIED = `sslmode=verify-full&sslrootcert=${CA_FILE}`;

/**
 * The four URLs of a database. `pgbouncer` and `schema` are Prisma's parameters, which libpq refuses. So the direct URL has
 * neither, and stays one that psql and pg_dump take; a schema is named in the format for Prisma alone.
 */
export function connectionStrings(target: ConnectionTarget): ConnectionStrings {
  const shadow = shadowOf(target);
  const { direct, pooled } = target;
  return {
    connection_string: url(target, direct, 'sslmode=require'),
    connection_string_pooled: pooled && url(target, pooled, 'sslmode=require&pgbouncer=true'),
    shadow_database_url: url(shadow, direct, 'sslmode=require&schema=public'),
    shadow_database_url_pooled: pooled && url(shadow, pooled, 'sslmode=require&schema=public&pgbouncer=true'),
  };
}

/** The same connections in the words of one client library, ready to be pasted. */
export function formatConnection(target: ConnectionTarget, format: ConnectionFormat): string {
  return FORMATS[format](target);
}

const FORMATS: Record<ConnectionFormat, (target: ConnectionTarget) => string> = {
  prisma,
  typeorm: (target) => {
    const { host, port, database } = preferred(target);
    return lines(
      "import { readFileSync } from 'node:fs';",
      "import { DataSource } from 'typeorm';",
      '',
      `// ${CA_SOURCE} Where that is 404: ssl: true.`,
      'export default new DataSource({',
      "  type: 'postgres',",
      `  host: '${host}',`,
      `  port: ${port},`,
      `  username: '${target.username}',`,
      `  password: '${target.password}',`,
      `  database: '${database}',`,
      `  ssl: { ca: readFileSync('${CA_FILE}', 'utf8') },`,
      '});',
    );
  },
  drizzle: (target) =>
    lines(
      "import { readFileSync } from 'node:fs';",
      "import { defineConfig } from 'drizzle-kit';",
      '',
      `// ${CA_SOURCE} Where that is 404: ssl: true.`,
      'export default defineConfig({',
      "  dialect: 'postgresql',",
      '  dbCredentials: {',
      `    host: '${target.direct.host}',`,
      `    port: ${target.direct.port},`,
      `    user: '${target.username}',`,
      `    password: '${target.password}',`,
      `    database: '${target.databaseName}',`,
      `    ssl: { ca: readFileSync('${CA_FILE}', 'utf8') },`,
      '  },',
      '});',
    ),
  libpq: (target) => {
    const shadow = shadowOf(target);
    return lines(
      keywords(target, target.direct),
      target.pooled && keywords(target, target.pooled),
      target.canHaveShadow ? keywords(shadow, target.direct) : null,
      target.canHaveShadow ? target.pooled && keywords(shadow, target.pooled) : null,
    );
  },
  jdbc: (target) =>
    lines(
      jdbc(target, target.direct, ''),
      // PgBouncer before 1.21 does not carry server-side prepared statements in transaction mode.
      target.pooled && jdbc(target, target.pooled, '&prepareThreshold=0'),
    ),
  env: (target) => {
    const { host, port, database } = preferred(target);
    return lines(
      `# ${CA_SOURCE} Where that is 404: PGSSLROOTCERT=system (libpq from 16 on), and no NODE_EXTRA_CA_CERTS.`,
      `PGHOST=${host}`,
      `PGPORT=${port}`,
      `PGDATABASE=${database}`,
      `PGUSER=${target.username}`,
      `PGPASSWORD=${target.password}`,
      'PGSSLMODE=verify-full',
      `PGSSLROOTCERT=${CA_FILE}`,
      `NODE_EXTRA_CA_CERTS=${CA_FILE}`,
      // One parameter only: a shell that reads the file takes an ampersand for its own.
      `DATABASE_URL=${url(target, { host, port, database }, 'sslmode=verify-full')}`,
      `DIRECT_URL=${url(target, target.direct, 'sslmode=verify-full')}`,
    );
  },
};

/** A `.env`, and in its comments what belongs into other files. */
function prisma(target: ConnectionTarget): string {
  const { direct, pooled, schema, canHaveShadow } = target;
  const place = schema === null ? '' : `&schema=${schema}`;
  const adapterOptions = schema === null ? '' : `, { schema: '${schema}' }`;
  const [shadow7, shadow6] = canHaveShadow
    ? [", shadowDatabaseUrl: env('SHADOW_DATABASE_URL')", ', shadowDatabaseUrl = env("SHADOW_DATABASE_URL")']
    : ['', ''];
  const runtime = url(target, pooled ?? direct, `${VERIFIED}${pooled ? '&pgbouncer=true' : ''}${place}`);
  return lines(
    `# ${CA_SOURCE} Where that is 404, leave sslrootcert out.`,
    `DATABASE_URL="${runtime}"`,
    `DIRECT_URL="${url(target, direct, `${VERIFIED}${place}`)}"`,
    canHaveShadow
      ? `SHADOW_DATABASE_URL="${url(shadowOf(target), direct, `${VERIFIED}&schema=public`)}"`
      : null,
    '',
    '# Prisma 7: migrations take the direct URL, from prisma.config.ts. There is no directUrl.',
    `#   datasource: { url: env('DIRECT_URL')${shadow7} },`,
    '# The client takes the pooled one. Its adapter heeds no schema in a URL.',
    `#   new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }${adapterOptions}) })`,
    '# Prisma 6: all in schema.prisma.',
    `#   url = env("DATABASE_URL"), directUrl = env("DIRECT_URL")${shadow6}`,
  );
}

function shadowOf(target: ConnectionTarget): ConnectionTarget {
  return { ...target, databaseName: `${target.databaseName}_shadow` };
}

function preferred(target: ConnectionTarget): Required<Door> {
  const door = target.pooled ?? target.direct;
  return { host: door.host, port: door.port, database: nameAt(target, door) };
}

/** The shadow database has one name on both ports. */
function nameAt({ databaseName }: ConnectionTarget, { database }: Door): string {
  return database ?? databaseName;
}

function url(target: ConnectionTarget, door: Door, query: string): string {
  const { username, password } = target;
  return `postgresql://${username}:${password}@${bracketed(door.host)}:${door.port}/${nameAt(target, door)}?${query}`;
}

function jdbc(target: ConnectionTarget, door: Door, more: string): string {
  const credentials = `user=${target.username}&password=${target.password}`;
  return `jdbc:postgresql://${bracketed(door.host)}:${door.port}/${nameAt(target, door)}?${credentials}&sslmode=require${more}`;
}

function keywords(target: ConnectionTarget, door: Door): string {
  return `host=${door.host} port=${door.port} dbname=${nameAt(target, door)} user=${target.username} password=${target.password} sslmode=require`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function lines(...parts: (string | null)[]): string {
  return parts.filter((part) => part !== null).join('\n');
}
