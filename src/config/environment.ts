import { Transform, Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateIf,
} from 'class-validator';
import { ENCRYPTION_KEY_FORM, IsEncryptionKeyList, IsOriginList, IsProxyTrust } from './environment-rules.js';

const PORT_MIN = 1;
const PORT_MAX = 65_535;

const ToBoolean = () =>
  Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value));

/** Without DB_HOST the local stack provides them. */
const NeededByApi = () =>
  ValidateIf(({ API_TLS, DB_HOST }: Environment) => API_TLS === true && DB_HOST !== undefined);

/** Every environment variable that Rowhouse reads, with its default. The README's table says what each one does. */
export class Environment {
  @IsIn(['development', 'production', 'test'])
  NODE_ENV = 'development';

  @IsIn(['all', 'api', 'worker'])
  ROWHOUSE_ROLE = 'all';

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL = 'info';

  @IsString()
  HOST = '127.0.0.1';

  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(PORT_MAX)
  PORT = 3000;

  @IsOptional()
  @MinLength(24)
  @MaxLength(256)
  @Matches(/^[\x21-\x7e]+$/, { message: 'API_KEY must be printable ASCII without spaces' })
  API_KEY?: string;

  @IsOptional()
  @IsString()
  DB_HOST?: string;

  @Type(() => Number)
  @IsInt()
  @Min(PORT_MIN)
  @Max(PORT_MAX)
  DB_PORT = 5432;

  @IsOptional()
  @Matches(/^\//, { message: 'DB_SOCKET_DIR must be an absolute path' })
  DB_SOCKET_DIR?: string;

  @IsString()
  DB_USER = 'rowhouse';

  @IsString()
  DB_PASSWORD = '';

  @Matches(/^[a-z][a-z0-9_]{0,62}$/, { message: 'DB_NAME must be a lower-case identifier' })
  DB_NAME = 'postgres_control';

  @IsIn(['disable', 'require', 'verify-full'])
  DB_SSL = 'disable';

  @IsString()
  PG_ADMIN_USER = 'postgres';

  @IsString()
  PG_ADMIN_PASSWORD = '';

  @IsOptional()
  @IsString()
  PG_HBA_FILE?: string;

  @ToBoolean()
  @IsBoolean()
  DB_PGBOUNCER_ENABLED = true;

  @IsOptional()
  @IsString()
  DB_PGBOUNCER_HOST?: string;

  @Type(() => Number)
  @IsInt()
  @Min(PORT_MIN)
  @Max(PORT_MAX)
  DB_PGBOUNCER_PORT = 6432;

  @IsString()
  PGBOUNCER_ADMIN_USER = 'rowhouse_pooler_admin';

  @IsString()
  PGBOUNCER_ADMIN_PASSWORD = '';

  @IsString()
  PGBOUNCER_AUTH_USER = 'rowhouse_pooler_auth';

  @IsString()
  PGBOUNCER_AUTH_PASSWORD = '';

  @IsOptional()
  @IsString()
  PGBOUNCER_CONFIG_DIR?: string;

  @IsOptional()
  @IsString()
  PUBLIC_HOST?: string;

  @IsOptional()
  @IsString()
  TLS_CA_FILE?: string;

  @ToBoolean()
  @IsBoolean()
  API_TLS = false;

  @NeededByApi()
  @IsString({ message: 'TLS_CERT_FILE must name the certificate when API_TLS is true' })
  TLS_CERT_FILE?: string;

  @NeededByApi()
  @IsString({ message: 'TLS_KEY_FILE must name the key when API_TLS is true' })
  TLS_KEY_FILE?: string;

  @IsOptional()
  @IsUrl({ protocols: ['redis', 'rediss'], require_tld: false, require_protocol: true })
  REDIS_URL?: string;

  @ValidateIf(({ ENCRYPTION_KEY, ENCRYPTION_KEY_PREVIOUS }: Environment) =>
    Boolean(ENCRYPTION_KEY ?? ENCRYPTION_KEY_PREVIOUS),
  )
  @Matches(ENCRYPTION_KEY_FORM, {
    message: 'ENCRYPTION_KEY must be 32 bytes, as 64 hexadecimal digits or as base64',
  })
  ENCRYPTION_KEY?: string;

  @IsOptional()
  @IsEncryptionKeyList()
  ENCRYPTION_KEY_PREVIOUS?: string;

  @Type(() => Number)
  @IsInt()
  @Min(2)
  @Max(500)
  CONTROL_POOL_SIZE = 20;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(10_000)
  DATABASE_MAX_CONNECTIONS = 20;

  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(100)
  WARM_POOL_SIZE = 3;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  TENANT_MAX_CONNECTIONS = 10;

  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(100)
  TENANT_WARM_POOL_SIZE = 3;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(5_000)
  TENANTS_PER_DATABASE = 500;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  RATE_LIMIT_PER_MINUTE = 6000;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(600)
  OPERATION_LEASE_SECONDS = 15;

  @Type(() => Number)
  @IsInt()
  @Min(1024)
  @Max(100 * 1024 * 1024)
  BODY_LIMIT_BYTES = 1024 * 1024;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(600)
  HEADERS_TIMEOUT_SECONDS = 10;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(3600)
  REQUEST_TIMEOUT_SECONDS = 30;

  @IsIn(['open', 'closed'])
  DEFAULT_ACCESS = 'open';

  @IsProxyTrust()
  TRUST_PROXY = 'false';

  @IsOptional()
  @IsOriginList()
  CORS_ORIGINS?: string;

  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  AUTH_FAILURE_LIMIT = 20;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(30 * 24 * 3600)
  AUTH_BAN_SECONDS = 900;
}
