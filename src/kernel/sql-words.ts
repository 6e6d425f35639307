/**
 * Comments, string constants (with escapes, plain), quoted identifiers, dollar quotes, words and semicolons
 * (PostgreSQL manual, 4.1). What never ends is taken to the end of the text: PostgreSQL refuses it anyway.
 */
const TOKEN =
  /--[^\n\r]*|\/\*|[eE]'[^'\\]*(?:(?:''|\\[\s\S])[^'\\]*)*'?|'[^']*(?:''[^']*)*'?|"[^"]*(?:""[^"]*)*"?|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|;/g;

const COMMENT_EDGE = /\/\*|\*\//g;

/** The words that begin a statement that ends the transaction, be it to begin the next one (AND CHAIN). */
export const ENDS_TRANSACTION =
  /^(COMMIT|END|ABORT|PREPARE TRANSACTION|ROLLBACK(?! (WORK |TRANSACTION )?TO\b))\b/;

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
