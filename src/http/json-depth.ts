/** More than any body is allowed; what comes later names the field that is nested too deep. */
const LIMIT = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Whether a text, if it is JSON, has lists and objects inside each other that are too many. Reads it once: parsing a
 * megabyte of brackets takes a hundred times as long as parsing one of text, and holds up everybody else meanwhile.
 */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) isString = false;
    } else if (code === QUOTE) isString = true;
    else if (OPENING.has(code)) {
      depth += 1;
      if (depth > LIMIT) return true;
    } else if (CLOSING.has(code)) depth -= 1;
  }
  return false;
}
