import { randomInt } from 'node:crypto';
import { generatePassword } from '../../kernel/ids.js';

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 12;
/** 40 letters and digits are 238 bits; bcrypt reads 72 bytes. */
const SECRET_LENGTH = 40;
const KEY = /^rh_([a-z0-9]{12})_([A-Za-z0-9]{32,72})$/;

export interface ParsedKey {
  /** The public part, which finds the row. */
  readonly keyId: string;
  readonly secret: string;
}

export function newKey(): ParsedKey {
  return { keyId: newKeyId(), secret: newSecret() };
}

export function newSecret(): string {
  return generatePassword(SECRET_LENGTH);
}

export function formatKey({ keyId, secret }: ParsedKey): string {
  return `rh_${keyId}_${secret}`;
}

/** Null when the text is no key of this form. */
export function parseKey(text: string): ParsedKey | null {
  const [, keyId, secret] = KEY.exec(text) ?? [];
  return keyId && secret ? { keyId, secret } : null;
}

function newKeyId(): string {
  return Array.from({ length: ID_LENGTH }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('');
}
