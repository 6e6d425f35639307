import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals small secrets with AES-256-GCM. A sealed secret reads `v1.<key id>.<nonce>.<tag>.<ciphertext>`, and opens only
 * with the same key and for the same purpose (additional data), so a row's secret cannot be moved to another row.
 * New ones are sealed with the present key; those of former keys still open.
 */
export class SecretBox {
  private constructor(
    private readonly present: Key,
    private readonly keys: ReadonlyMap<string, Key>,
  ) {}

  /** Keys of 32 bytes each. */
  static of(masterKey: Buffer, formerKeys: readonly Buffer[] = []): SecretBox {
    const present = toKey(masterKey);
    const keys = [present, ...formerKeys.map(toKey)];
    return new SecretBox(present, new Map(keys.map((key) => [key.id, key])));
  }

  /** The present key's. An id tells keys apart and says nothing about them. */
  get keyId(): string {
    return this.present.id;
  }

  /** The present key's and those of the former ones. */
  get keyIds(): readonly string[] {
    return [...this.keys.keys()];
  }

  seal(secret: string, purpose: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.present.bytes, nonce).setAAD(Buffer.from(purpose));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    const parts = [nonce, cipher.getAuthTag(), text].map((part) => part.toString('base64url'));
    return [VERSION, this.keyId, ...parts].join('.');
  }

  /** Throws when no key is the one it was sealed with, or the purpose or the text is another. */
  open(sealed: string, purpose: string): string {
    const [version, keyId = '', nonce, tag, text] = sealed.split('.');
    const key = this.keys.get(keyId);
    if (version !== VERSION || !key || !nonce || !tag || text === undefined) {
      throw new Error('the secret was sealed with another key');
    }
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(nonce, 'base64url'), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(purpose)).setAuthTag(Buffer.from(tag, 'base64url'));
    return decipher.update(text, 'base64url', 'utf8') + decipher.final('utf8');
  }

  /** The same secret under the present key. Throws as `open` does. */
  reseal(sealed: string, purpose: string): string {
    return this.seal(this.open(sealed, purpose), purpose);
  }
}

interface Key {
  readonly id: string;
  readonly bytes: Buffer;
}

function toKey(masterKey: Buffer): Key {
  if (masterKey.length !== 32) throw new TypeError('the key must have 32 bytes');
  const bytes = Buffer.from(hkdfSync('sha256', masterKey, '', 'rowhouse secret box', 32));
  return { bytes, id: createHash('sha256').update(bytes).digest('hex').slice(0, 8) };
}
