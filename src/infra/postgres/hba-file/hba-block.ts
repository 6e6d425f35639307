import { RowhouseError } from '../../../kernel/errors.js';

const FIRST_LINE = '# BEGIN Rowhouse: who reaches which database. Rowhouse writes the lines down to END.';
const LAST_LINE = '# END Rowhouse';

/** Also where an editor changed the line ends. Matches the line break behind it. */
const BLOCK = /^# BEGIN Rowhouse[^\n]*\n[\s\S]*?^# END Rowhouse[^\n]*(?:\n|$)/m;
const MARKER = /^# (?:BEGIN|END) Rowhouse/m;

/**
 * The text of pg_hba.conf with these lines at its top, where no other line can outdo them. Everything else stays as it
 * is, byte by byte. Throws CONFLICT when one of the two lines around the former block is missing.
 */
export function withBlock(text: string, lines: string): string {
  return `${FIRST_LINE}\n${lines}${LAST_LINE}\n${withoutBlock(text)}`;
}

/** What is not Rowhouse's. */
export function withoutBlock(text: string): string {
  const rest = text.replace(BLOCK, '');
  if (!MARKER.test(rest)) return rest;
  throw new RowhouseError(
    'CONFLICT',
    `pg_hba.conf must have the lines "# BEGIN Rowhouse" and "${LAST_LINE}" once each, in this order, or none of them. Put it right by hand: what stands between them is written by Rowhouse.`,
  );
}

export function hasBlock(text: string): boolean {
  return BLOCK.test(text);
}

/** How many lines of the text are Rowhouse's; they are its first ones. */
export function blockLength(text: string): number {
  const [block = ''] = BLOCK.exec(text) ?? [];
  return block.split('\n').length - 1;
}
