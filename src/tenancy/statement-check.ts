import { TenancyError } from './tenancy-error.js';

/**
 * Comments, string constants (with escapes, plain), quoted identifiers, dollar quotes, words and semicolons
 * (PostgreSQL manual, 4.1). What never ends is taken to the end of the text: PostgreSQL refuses it anyway.
 */
const TOKEN =
  /--[^\n]*|\/\*|[eE]'[^'\\]*(?:(?:''|\\[\s\S])[^'\\]*)*'?|'[^']*(?:''[^']*)*'?|"[^"]*(?:""[^"]*)*"?|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|;/g;

const COMMENT_EDGE = /\/\*|\*\//g;

/** What begins a statement that has no place in a tenant's transaction, and why. */
const REFUSALS: readonly [start: RegExp, why: string][] = [
  [
    /^(BEGIN|START|COMMIT|END|ABORT|PREPARE TRANSACTION|ROLLBACK(?! (WORK |TRANSACTION )?TO\b))\b/,
    'the transaction begins and ends with the work: return to commit, throw to roll back',
  ],
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
 * Throws STATEMENT_REFUSED where a statement of the text would end the transaction or change the session. This keeps
 * mistakes out; whoever may send any SQL can still reach the same from inside a function.
 */
export function assertTransactional(sql: string): void {
  for (const words of statementsOf(sql)) {
    const refusal = REFUSALS.find(([start]) => start.test(words));
    if (refusal) {
      const [verb = ''] = words.split(' ');
      throw new TenancyError('STATEMENT_REFUSED', `${verb} has no place here: ${refusal[1]}.`);
    }
  }
}

/** For each statement its keywords and unquoted names in upper case, joined by single spaces. */
export function statementsOf(sql: string): string[] {
  const statements: string[][] = [[]];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(sql); match; match = TOKEN.exec(sql)) {
    const [token] = match;
    if (token === ';') statements.push([]);
    else if (token === '/*') TOKEN.lastIndex = endOfComment(sql, TOKEN.lastIndex);
    else if (token.startsWith('$')) TOKEN.lastIndex = endOfDollarQuote(sql, token, TOKEN.lastIndex);
    else if (/^[^'"-]/.test(token) && !/^[eE]'/.test(token)) statements.at(-1)?.push(token.toUpperCase());
  }
  return statements.filter((words) => words.length > 0).map((words) => words.join(' '));
}

/** Comments nest. */
function endOfComment(sql: string, start: number): number {
  COMMENT_EDGE.lastIndex = start;
  let depth = 1;
  while (depth > 0) {
    const edge = COMMENT_EDGE.exec(sql);
    if (!edge) return sql.length;
    depth += edge[0] === '/*' ? 1 : -1;
  }
  return COMMENT_EDGE.lastIndex;
}

function endOfDollarQuote(sql: string, quote: string, start: number): number {
  const end = sql.indexOf(quote, start);
  return end < 0 ? sql.length : end + quote.length;
}
