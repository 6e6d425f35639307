/** Where something stands in a text; both from 1, the column in characters. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

const LINE_FEED = 0x0a;

/** A text in which PostgreSQL's parser names places: by bytes in its tree, by characters in its errors. */
export class SqlText {
  private readonly bytes: Buffer;
  /** The byte at which each line begins. */
  private readonly lines: number[] = [0];

  constructor(readonly text: string) {
    this.bytes = Buffer.from(text);
    for (let at = this.bytes.indexOf(LINE_FEED); at >= 0; at = this.bytes.indexOf(LINE_FEED, at + 1)) {
      this.lines.push(at + 1);
    }
  }

  get byteLength(): number {
    return this.bytes.length;
  }

  slice(fromByte: number, toByte: number): string {
    return this.bytes.subarray(fromByte, toByte).toString();
  }

  placeOfByte(byte: number): TextPlace {
    const line = this.lineOf(byte);
    const before = this.slice(this.lines[line] ?? 0, byte);
    return { line: line + 1, column: [...before].length + 1 };
  }

  /** `index`: how many characters (code points, as PostgreSQL counts) stand before it. */
  placeOfCharacter(index: number): TextPlace {
    const before = [...this.text].slice(0, index).join('');
    return this.placeOfByte(Buffer.byteLength(before));
  }

  /** The last line that begins at or before the byte, from 0. */
  private lineOf(byte: number): number {
    let [low, high] = [0, this.lines.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.lines[middle] ?? 0) <= byte) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

const SPACE = /[ \t\n\r\f\v]+|--[^\n\r]*/y;

/** The length of the white space and the comments that a text begins with; comments nest (manual, 4.1.5). */
export function blankLength(text: string): number {
  let at = 0;
  for (;;) {
    SPACE.lastIndex = at;
    const space = SPACE.exec(text)?.[0].length ?? commentLength(text, at);
    if (space === 0) return at;
    at += space;
  }
}

function commentLength(text: string, start: number): number {
  if (!text.startsWith('/*', start)) return 0;
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex - start;
  }
  return text.length - start;
}
