import { Cidr } from '../kernel/cidr.js';
import { Environment } from './environment.js';
import { listOf } from './environment-rules.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export type TlsMode = 'disable' | 'require' | 'verify-full';
export type ProcessRole = 'all' | 'api' | 'worker';
/** Who gets into a home that has no rules: everybody with TLS, or nobody. */
export type DefaultAccess = 'open' | 'closed';

/** PgBouncer in front of the server. */
export interface PoolerConfig extends Endpoint {
  readonly socketDirectory: string | null;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly authUser: string;
  readonly authPassword: string;
  /** Where Rowhouse writes the files that PgBouncer includes; without it, PgBouncer is expected to have a `*` entry. */
  readonly configDir: string | null;
}

/** The PostgreSQL server that the environment names, with the rights to create roles and databases on it. */
export interface ServerConfig extends Endpoint {
  /**
   * Where the Unix sockets of PostgreSQL and PgBouncer are, by which Rowhouse reaches both, and PgBouncer PostgreSQL:
   * then whoever comes over the network is a client. Null: it is reached over the network as well.
   */
  readonly socketDirectory: string | null;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly tls: TlsMode;
  readonly pooler: PoolerConfig | null;
  /** pg_hba.conf on this machine; null: it is read and written through SQL. */
  readonly hbaFile: string | null;
}

export interface ControlDatabaseConfig extends Endpoint {
  readonly socketDirectory: string | null;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: TlsMode;
  readonly poolSize: number;
  readonly throughPooler: boolean;
}

/** PEM files. A change of theirs is followed while the API runs. */
export interface ApiTlsConfig {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface Config {
  readonly environment: string;
  readonly role: ProcessRole;
  readonly logLevel: string;
  readonly http: Endpoint & {
    readonly bodyLimitBytes: number;
    /** Whose X-Forwarded-For is believed: nobody's, that of whoever connects (one hop), or that of these networks. */
    readonly trustProxy: false | 1 | readonly string[];
    readonly rateLimitPerMinute: number;
    /** Null: plain HTTP. */
    readonly tls: ApiTlsConfig | null;
    /** From which origins browsers may use the API; none unless configured. */
    readonly corsOrigins: readonly string[];
    /** How long a client may take to send a request's headers, and all of it. */
    readonly headersTimeoutMs: number;
    readonly requestTimeoutMs: number;
  };
  readonly keyFailures: {
    /** Wrong keys from one address in ten minutes before it is banned; 0 neither slows down nor bans. */
    readonly limit: number;
    readonly banSeconds: number;
  };
  /** The admin key that the environment gives, if it does. */
  readonly apiKey: string | null;
  readonly control: ControlDatabaseConfig;
  readonly server: ServerConfig;
  /** The host that clients use to reach both ports; null where it is the one that Rowhouse itself uses. */
  readonly publicHost: string | null;
  readonly caFile: string | null;
  readonly redisUrl: string | null;
  /** 32 bytes, or null: then no password can be shown again. */
  readonly encryptionKey: Buffer | null;
  /** Keys of before, with which secrets may be sealed still; each 32 bytes. */
  readonly formerEncryptionKeys: readonly Buffer[];
  readonly databases: { readonly defaultMaxConnections: number; readonly warmPoolSize: number };
  readonly tenants: {
    readonly defaultMaxConnections: number;
    /** Finished tenant schemas kept in stock for each template in use. */
    readonly warmPoolSize: number;
    /** Tenant schemas in one hosting database of the default host group. */
    readonly perDatabase: number;
  };
  readonly operations: { readonly leaseSeconds: number };
  readonly defaultAccess: DefaultAccess;
}

/** The dependency-injection token of the configuration. */
export const CONFIG = Symbol('CONFIG');

const SECOND_MS = 1000;

export function toConfig(env: Environment): Config {
  const dbHost = env.DB_HOST ?? '127.0.0.1';
  const pooler = toPooler(env, dbHost);
  const throughPooler = env.DB_PGBOUNCER_ENABLED && pooler !== null;
  const entry: Endpoint = throughPooler ? pooler : { host: dbHost, port: env.DB_PORT };
  return deepFreeze({
    environment: env.NODE_ENV,
    role: env.ROWHOUSE_ROLE as ProcessRole,
    logLevel: env.LOG_LEVEL,
    http: {
      host: env.HOST,
      port: env.PORT,
      bodyLimitBytes: env.BODY_LIMIT_BYTES,
      trustProxy: toProxyTrust(env.TRUST_PROXY),
      rateLimitPerMinute: env.RATE_LIMIT_PER_MINUTE,
      tls: toApiTls(env),
      corsOrigins: listOf(env.CORS_ORIGINS),
      headersTimeoutMs: Math.min(env.HEADERS_TIMEOUT_SECONDS, env.REQUEST_TIMEOUT_SECONDS) * SECOND_MS,
      requestTimeoutMs: env.REQUEST_TIMEOUT_SECONDS * SECOND_MS,
    },
    keyFailures: { limit: env.AUTH_FAILURE_LIMIT, banSeconds: env.AUTH_BAN_SECONDS },
    apiKey: env.API_KEY ?? null,
    control: {
      host: entry.host,
      port: entry.port,
      socketDirectory: env.DB_SOCKET_DIR ?? null,
      user: env.DB_USER,
      password: env.DB_PASSWORD,
      database: env.DB_NAME,
      tls: env.DB_SSL as TlsMode,
      poolSize: env.CONTROL_POOL_SIZE,
      throughPooler,
    },
    server: {
      host: dbHost,
      port: env.DB_PORT,
      socketDirectory: env.DB_SOCKET_DIR ?? null,
      adminUser: env.PG_ADMIN_USER,
      adminPassword: env.PG_ADMIN_PASSWORD,
      tls: env.DB_SSL as TlsMode,
      pooler,
      hbaFile: env.PG_HBA_FILE ?? null,
    },
    publicHost: env.PUBLIC_HOST ?? null,
    caFile: env.TLS_CA_FILE ?? null,
    redisUrl: env.REDIS_URL ?? null,
    encryptionKey: env.ENCRYPTION_KEY ? decodeKey(env.ENCRYPTION_KEY) : null,
    formerEncryptionKeys: listOf(env.ENCRYPTION_KEY_PREVIOUS).map(decodeKey),
    databases: {
      defaultMaxConnections: env.DATABASE_MAX_CONNECTIONS,
      warmPoolSize: env.WARM_POOL_SIZE,
    },
    tenants: {
      defaultMaxConnections: env.TENANT_MAX_CONNECTIONS,
      warmPoolSize: env.TENANT_WARM_POOL_SIZE,
      perDatabase: env.TENANTS_PER_DATABASE,
    },
    operations: { leaseSeconds: env.OPERATION_LEASE_SECONDS },
    defaultAccess: env.DEFAULT_ACCESS as DefaultAccess,
  });
}

function toApiTls({ API_TLS, TLS_CERT_FILE, TLS_KEY_FILE }: Environment): ApiTlsConfig | null {
  if (!API_TLS || !TLS_CERT_FILE || !TLS_KEY_FILE) return null;
  return { certificateFile: TLS_CERT_FILE, keyFile: TLS_KEY_FILE };
}

function toPooler(env: Environment, dbHost: string): PoolerConfig | null {
  if (!env.DB_PGBOUNCER_ENABLED && env.DB_PGBOUNCER_HOST === undefined) return null;
  return {
    host: env.DB_PGBOUNCER_HOST ?? dbHost,
    port: env.DB_PGBOUNCER_PORT,
    socketDirectory: env.DB_SOCKET_DIR ?? null,
    adminUser: env.PGBOUNCER_ADMIN_USER,
    adminPassword: env.PGBOUNCER_ADMIN_PASSWORD,
    authUser: env.PGBOUNCER_AUTH_USER,
    authPassword: env.PGBOUNCER_AUTH_PASSWORD,
    configDir: env.PGBOUNCER_CONFIG_DIR ?? null,
  };
}

/** Not `true` for Fastify: that believes the leftmost address, which the client may write itself. */
function toProxyTrust(text: string): Config['http']['trustProxy'] {
  if (text === 'true') return 1;
  return text === 'false' ? false : listOf(text).map((network) => String(Cidr.parse(network)));
}

function decodeKey(text: string): Buffer {
  return Buffer.from(text, text.length === 64 ? 'hex' : 'base64');
}

function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
