/** The two throw-away tenants of a self-test: A tries, then B looks. */
export interface LeakPair {
  /** Names of schemas and logins. */
  readonly a: string;
  readonly b: string;
}

/** Something that A does at a door, one statement after the other. */
export interface LeakAttack {
  readonly name: string;
  statements(pair: LeakPair): readonly string[];
  /** What B looks for afterwards besides its own table; most of it should not even be there. */
  readonly peeks: readonly string[];
  /** A goes away in the middle of a transaction. */
  readonly leavesOpen: boolean;
  /** While B works, A's row is sent to whoever listens. */
  readonly notifies: boolean;
}

/** The channel of the attack that listens. */
export const LEAK_CHANNEL = 'leak_channel';

/** What may stay behind on a connection that A used, and meet B there. */
export const LEFTOVERS: readonly LeakAttack[] = [
  attack('session search_path', ({ a }) => [`SET search_path = ${a}`]),
  attack('set_config for the session', ({ a }) => [`SELECT set_config('search_path', '${a}', false)`]),
  attack('session role', ({ a }) => [`SET ROLE ${a}`]),
  attack('temporary table', () => ['CREATE TEMPORARY TABLE leak_table AS SELECT note FROM products'], {
    peeks: ['SELECT note FROM leak_table', 'SELECT note FROM pg_temp.leak_table'],
  }),
  attack('temporary table in the way', ({ a }) => [
    `CREATE TEMPORARY TABLE products AS SELECT note FROM ${a}.products`,
  ]),
  attack('prepared statement', () => ['PREPARE leak_statement AS SELECT note FROM products'], {
    peeks: ['EXECUTE leak_statement'],
  }),
  attack(
    'prepared statement that names its schema',
    ({ a }) => [`PREPARE leak_direct AS SELECT note FROM ${a}.products`, 'EXECUTE leak_direct'],
    { peeks: ['EXECUTE leak_direct'] },
  ),
  attack('cursor WITH HOLD', () => ['DECLARE leak_cursor CURSOR WITH HOLD FOR SELECT note FROM products'], {
    peeks: ['FETCH ALL FROM leak_cursor'],
  }),
  attack('LISTEN', () => [`LISTEN ${LEAK_CHANNEL}`], { notifies: true }),
  attack('advisory lock', () => ['SELECT pg_try_advisory_lock(4711)'], {
    peeks: ['SELECT pg_try_advisory_lock(4711)'],
  }),
  attack('aborted transaction', () => ['BEGIN', 'SELECT note FROM products', 'SELECT 1/0'], {
    leavesOpen: true,
  }),
  attack(
    'open transaction',
    ({ a }) => ['BEGIN', `SET LOCAL search_path = ${a}`, 'SELECT note FROM products'],
    {
      leavesOpen: true,
    },
  ),
  attack('DISCARD ALL', () => ['DISCARD ALL']),
];

/** Ways to B's table itself, for whom A is nobody. */
export const REACHES: readonly LeakAttack[] = [
  attack("the other's schema by name", ({ b }) => [`SELECT note FROM ${b}.products`]),
  attack("the other's search_path", ({ b }) => [`SET search_path = ${b}`, 'SELECT note FROM products']),
  attack("the other's role", ({ b }) => [
    `SET ROLE ${b}`,
    `SET SESSION AUTHORIZATION ${b}`,
    `SELECT note FROM ${b}.products`,
  ]),
  attack('RESET ROLE', ({ b }) => [
    'RESET ROLE',
    'RESET SESSION AUTHORIZATION',
    `SELECT note FROM ${b}.products`,
  ]),
];

/** What a login that may only read tries to change. */
export const WRITES: readonly LeakAttack[] = [
  attack('writes', ({ b }) => [
    `INSERT INTO ${b}.products VALUES (2, 'intruder')`,
    `UPDATE ${b}.products SET note = 'intruder'`,
    `DELETE FROM ${b}.products`,
    `TRUNCATE ${b}.products`,
    `CREATE TABLE ${b}.intruder (a integer)`,
    `DROP TABLE ${b}.products`,
    `SET ROLE ${b}`,
    `SET SESSION AUTHORIZATION ${b}`,
  ]),
];

function attack(
  name: string,
  statements: LeakAttack['statements'],
  more: Partial<Omit<LeakAttack, 'name' | 'statements'>> = {},
): LeakAttack {
  return { name, statements, peeks: [], leavesOpen: false, notifies: false, ...more };
}
