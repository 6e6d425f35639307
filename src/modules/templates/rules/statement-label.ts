const TWO_WORDS = new Set(['ALTER', 'CREATE', 'DROP', 'SET', 'RESET', 'IMPORT', 'REASSIGN', 'SECURITY']);
const SKIPPED = new Set(['OR', 'REPLACE', 'TEMP', 'TEMPORARY', 'UNLOGGED', 'UNIQUE', 'LOCAL']);
const SET_KEYWORDS = new Set(['ALL', 'ROLE', 'SESSION', 'TIME', 'TRANSACTION']);

/** A statement in as few words as people call it by: `COMMIT`, `ALTER SYSTEM`, `SET search_path`. */
export function labelOf(statement: string): string {
  const words = statement.slice(0, 200).match(/[\p{L}\p{N}_]+/gu) ?? [];
  const [first = '', second = ''] = words.filter((word) => !SKIPPED.has(word.toUpperCase()));
  const verb = first.toUpperCase();
  if (!TWO_WORDS.has(verb)) return verb;
  const isParameter = (verb === 'SET' || verb === 'RESET') && !SET_KEYWORDS.has(second.toUpperCase());
  return `${verb} ${isParameter ? second : second.toUpperCase()}`;
}
