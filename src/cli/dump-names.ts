/** One token of SQL: comments and strings (escapes, dollar quotes) are whole. */
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|[eE]'(?:\\[\s\S]|''|[^'\\])*'|'(?:''|[^'])*'|(\$(?:[A-Za-z_]\w*)?\$)[\s\S]*?\1|"(?:""|[^"])+"|[\p{L}_][\p{L}\p{N}_$]*|[\s\S]/gu;
/** The names in a text that is read as a name: `nextval('public.orders_id_seq'::regclass)`. */
const NAME_IN_STRING = /^'[^']+'$/;
const OBJECT_TYPES = /^(regclass|regproc|regprocedure|regtype)$/;

/** A statement without a schema's name before other names, in bodies of functions too. Other strings stay. */
export function withoutSchema(sql: string, schema: string): string {
  const tokens = sql.match(TOKEN) ?? [];
  const kept: string[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    if (nameOf(token) === schema && tokens[at + 1] === '.' && tokens[at - 1] !== '.') at += 1;
    else kept.push(withoutSchemaInside(token, tokens.slice(at + 1, at + 4), schema));
  }
  return kept.join('');
}

function withoutSchemaInside(token: string, next: readonly string[], schema: string): string {
  const [, quote] = /^(\$(?:[A-Za-z_]\w*)?\$)/.exec(token) ?? [];
  if (quote) return `${quote}${withoutSchema(token.slice(quote.length, -quote.length), schema)}${quote}`;
  const isName = next[0] === ':' && next[1] === ':' && OBJECT_TYPES.test(next[2] ?? '');
  return isName && NAME_IN_STRING.test(token) ? `'${withoutSchema(token.slice(1, -1), schema)}'` : token;
}

function nameOf(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
}
