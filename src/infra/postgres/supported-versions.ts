export const OLDEST_POSTGRES = 15;
export const NEWEST_POSTGRES = 19;
/** What the tests run on. */
const NEWEST_TESTED = 18;

/** A server that Rowhouse does not work with. */
export class UnsupportedPostgres extends Error {
  constructor(major: number) {
    super(
      `PostgreSQL ${major} is too old: Rowhouse works with ${OLDEST_POSTGRES} to ${NEWEST_POSTGRES}. Upgrade the server, or name another in DB_HOST`,
    );
    this.name = 'UnsupportedPostgres';
  }
}

/** Takes a `server_version_num`. Throws UnsupportedPostgres. */
export function assertSupported(serverVersionNum: number): void {
  const major = majorOf(serverVersionNum);
  if (major < OLDEST_POSTGRES) throw new UnsupportedPostgres(major);
}

/** What an operator should know of this version; null of one that is tested. */
export function untestedNotice(serverVersionNum: number): string | null {
  const major = majorOf(serverVersionNum);
  if (major <= NEWEST_TESTED) return null;
  return `PostgreSQL ${major} is not tested with Rowhouse yet; ${OLDEST_POSTGRES} to ${NEWEST_TESTED} are`;
}

function majorOf(serverVersionNum: number): number {
  return Math.trunc(serverVersionNum / 10_000);
}
