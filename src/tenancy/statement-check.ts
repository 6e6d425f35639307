import { ENDS_TRANSACTION } from '../kernel/sql-words.js';
import { TenancyError } from './tenancy-error.js';

const IS_THE_WORK = 'the transaction begins and ends with the work: return to commit, throw to roll back';

/** What begins a statement that has no place in a tenant's transaction, and why. */
const REFUSALS: readonly [start: RegExp, why: string][] = [
  [/^(BEGIN|START)\b/, IS_THE_WORK],
  [ENDS_TRANSACTION, IS_THE_WORK],
  [/^(SET (LOCAL )?(ROLE|SESSION AUTHORIZATION)|RESET (ROLE|SESSION))\b/, 'the role is the tenant'],
  [
    /^(SET (?!(LOCAL|TRANSACTION|CONSTRAINTS)\b)|RESET\b)/,
    'the setting would stay on a connection that other tenants use: write SET LOCAL',
  ],
  [
    /^(DISCARD|LISTEN|UNLISTEN|PREPARE|LOAD)\b/,
    'it changes a session, and this one belongs to the pooler: use a direct connection',
  ],
  [
    /^DECLARE\b.* WITH HOLD\b/,
    'its rows would stay on a connection that other tenants use: leave out WITH HOLD',
  ],
];

/**
 * Throws STATEMENT_REFUSED where one of the statements, told by their words, would end the transaction or change the session. This keeps
 * mistakes out; whoever may send any SQL can still reach the same from inside a function.
 */
export function assertTransactional(statements: readonly string[]): void {
  for (const words of statements) {
    const refusal = REFUSALS.find(([start]) => start.test(words));
    if (refusal) {
      const [verb = ''] = words.split(' ');
      throw new TenancyError('STATEMENT_REFUSED', `${verb} has no place here: ${refusal[1]}.`);
    }
  }
}
