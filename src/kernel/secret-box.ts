import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 'v1';
const NONCE_BYTES = 12;

/**
 * Seals small secrets with AES-256-GCM. A sealed secret reads `v1.<key id>.<nonce>.<tag>.<ciphertext>`, and opens only
 * with the same key and for the same purpose (additional data), so a row's secret cannot be moved to another row.
 */
export class SecretBox {
  private constructor(
    private readonly key: Buffer,
    readonly keyId: string,
  ) {}

  /** `masterKey`: 32 bytes. */
  static of(masterKey: Buffer): SecretBox {
    if (masterKey.length !== 32) throw new TypeError('the key must have 32 bytes');
    const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'rowhouse secret box', 32));
    return new SecretBox(key, createHash('sha256').update(key).digest('hex').slice(0, 8));
  }

  seal(secret: string, purpose: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(purpose));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    const parts = [nonce, cipher.getAuthTag(), text].map((part) => part.toString('base64url'));
    return [VERSION, this.keyId, ...parts].join('.');
  }

  /** Throws when the key, the purpose or the text is not the one it was sealed with. */
  open(sealed: string, purpose: string): string {
    const [version, keyId, nonce, tag, text] = sealed.split('.');
    if (version !== VERSION || keyId !== this.keyId || !nonce || !tag || text === undefined) {
      throw new Error('the secret was sealed with another key');
    }
    const decipher = createDecipheriv('aes-256-gcm', this.key, Buffer.from(nonce, 'base64url'));
    decipher.setAAD(Buffer.from(purpose)).setAuthTag(Buffer.from(tag, 'base64url'));
    return decipher.update(text, 'base64url', 'utf8') + decipher.final('utf8');
  }
}
