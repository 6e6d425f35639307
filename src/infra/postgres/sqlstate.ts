/** The error codes that Rowhouse tells apart (PostgreSQL manual, appendix A). */
export const SQLSTATE = {
  adminShutdown: '57P01',
  checkViolation: '23514',
  deadlockDetected: '40P01',
  dependentObjectsStillExist: '2BP01',
  duplicateDatabase: '42P04',
  duplicateObject: '42710',
  duplicateSchema: '42P06',
  duplicateTable: '42P07',
  foreignKeyViolation: '23503',
  externalRoutineException: '38000',
  featureNotSupported: '0A000',
  internalError: 'XX000',
  insufficientPrivilege: '42501',
  invalidAuthorization: '28000',
  invalidCatalogName: '3D000',
  invalidObjectDefinition: '42P17',
  invalidPassword: '28P01',
  invalidSchemaName: '3F000',
  lockNotAvailable: '55P03',
  notNullViolation: '23502',
  objectInUse: '55006',
  objectNotInPrerequisiteState: '55000',
  outOfMemory: '53200',
  queryCanceled: '57014',
  serializationFailure: '40001',
  tooManyConnections: '53300',
  undefinedFile: '58P01',
  undefinedObject: '42704',
  undefinedTable: '42P01',
  uniqueViolation: '23505',
  wrongObjectType: '42809',
} as const;

const UNAVAILABLE_STATES = new Set([
  '57P01',
  '57P02',
  '57P03',
  // The lock table is full, or the memory: whoever filled it is ended, or ends.
  '53200',
  '53300',
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
]);
const UNAVAILABLE_ERRNOS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOENT',
]);

/** The first is `pg_terminate_backend`, or a shutdown; the second a crash of another session. */
const LOST_SESSION_CODES = new Set(['57P01', '57P02', 'ECONNRESET', 'EPIPE']);

/** Of node-postgres: to log in, for a session of a pool that others use, and for an answer. */
const TIMEOUTS = new Set([
  'timeout expired',
  'Connection terminated due to connection timeout',
  'timeout exceeded when trying to connect',
  'Query read timeout',
]);

/** PgBouncer reports that it has no server behind it as a protocol violation. */
const POOLER_STATE = '08P01';

/**
 * The SQLSTATE of a PostgreSQL error, through TypeORM's wrapping; undefined for any other error. A login that the driver
 * breaks off counts as one that PostgreSQL refuses: whoever may change a role's password can store a verifier that no
 * password of ours fits, or one that node-postgres does not compute.
 */
export function sqlState(error: unknown): string | undefined {
  const code = errorCode(error);
  if (code === undefined && isBrokenOffLogin(error)) return SQLSTATE.invalidPassword;
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Whether the error says that PostgreSQL or PgBouncer is away, rather than that a statement is wrong. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  const code = errorCode(error);
  if (code !== undefined) {
    return UNAVAILABLE_STATES.has(code) || code === POOLER_STATE || UNAVAILABLE_ERRNOS.has(code);
  }
  return error instanceof Error && isDriverDisconnect(error);
}

/** Whether PostgreSQL ended the transaction for the sake of another one: the same again may pass. */
export function isTransactionConflict(error: unknown): boolean {
  const state = sqlState(error);
  return state === SQLSTATE.deadlockDetected || state === SQLSTATE.serializationFailure;
}

/** Whether the driver's patience ended: the server may be away as well as busy, and then another attempt gets through. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && TIMEOUTS.has(error.message);
}

/** Whether a session that was open ended, which says little of the server: the next one may work. */
export function isSessionLost(error: unknown): boolean {
  const code = errorCode(error);
  if (code !== undefined) return LOST_SESSION_CODES.has(code);
  return error instanceof Error && isDriverDisconnect(error) && !isTimeout(error);
}

/** TypeORM lets go of a session that ended between two statements; the next one fails so, COMMIT too, unsent. */
const RELEASED = new Set(['QueryRunnerAlreadyReleasedError', 'QueryRunnerProviderAlreadyReleasedError']);

/** The drivers give these no code: their own words are all there is to match. */
function isDriverDisconnect(error: Error): boolean {
  return (
    RELEASED.has(error.name) ||
    error.message.startsWith('Connection terminated') ||
    TIMEOUTS.has(error.message) ||
    error.message === 'Client has encountered a connection error and is not queryable'
  );
}

/** In the exchange of SCRAM. Likewise without a code. */
function isBrokenOffLogin(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('SASL: ');
}

function errorCode(error: unknown): string | undefined {
  if (error === null || typeof error !== 'object') return undefined;
  if ('driverError' in error && error.driverError !== error)
    return errorCode(error.driverError) ?? codeOf(error);
  return codeOf(error);
}

function codeOf(error: object): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
