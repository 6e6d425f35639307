import { randomBytes, randomInt, randomUUID } from 'node:crypto';

const PASSWORD_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function newId(): string {
  return randomUUID();
}

/** `bytes` random bytes as lower-case hexadecimal digits, two a byte. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** A random password of letters and digits (5.95 bits each), which needs no escaping in URLs, shells or SQL. */
export function generatePassword(length = 32): string {
  return Array.from({ length }, () => PASSWORD_ALPHABET[randomInt(PASSWORD_ALPHABET.length)]).join('');
}
