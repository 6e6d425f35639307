import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const ITERATIONS = 4096;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const deriveKey = promisify(pbkdf2);

/**
 * The SCRAM-SHA-256 verifier of a password, in the form that `pg_authid.rolpassword` holds (RFC 5803; PostgreSQL
 * manual, 53.8). `CREATE ROLE … PASSWORD '<verifier>'` stores it as it is, so the password itself never reaches the
 * server's log. For ASCII passwords only: SASLprep is the identity on them.
 */
export async function scramVerifier(password: string, salt = randomBytes(SALT_BYTES)): Promise<string> {
  if (!/^[\x20-\x7e]+$/.test(password)) throw new TypeError('the password must be printable ASCII');
  const salted = await deriveKey(password, salt, ITERATIONS, KEY_BYTES, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
