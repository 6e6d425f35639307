import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CONFIG, type Config } from '../config/config.js';
import { RowhouseError } from '../kernel/errors.js';
import { generatePassword } from '../kernel/ids.js';
import { scramVerifier } from '../kernel/scram.js';
import { SecretBox } from '../kernel/secret-box.js';

const REMEMBER_MS = 900_000;

export interface FreshCredentials {
  /** In memory only: it goes into one answer and nowhere else. */
  readonly password: string;
  readonly verifier: string;
  /** Null without an ENCRYPTION_KEY. */
  readonly ciphertext: string | null;
}

/** Makes the passwords of homes, and opens the sealed ones. At rest there are a SCRAM verifier and, with a key, a ciphertext. */
@Injectable()
export class HomeCredentials {
  private readonly box: SecretBox | null;
  /** Made one ahead: deriving a verifier takes as long as the rest of a warm create's transaction. */
  private next = draw();
  private readonly recent = new LRUCache<string, string>({ max: 10_000, ttl: REMEMBER_MS });

  constructor(@Inject(CONFIG) config: Config) {
    this.box = config.encryptionKey && SecretBox.of(config.encryptionKey, config.formerEncryptionKeys);
  }

  /** For a home that nobody has asked for yet; nulls without a key, since then nobody could be told the password. */
  async generateSealed(
    databaseName: string,
  ): Promise<{ scramVerifier: string | null; passwordCiphertext: string | null }> {
    if (!this.box) return { scramVerifier: null, passwordCiphertext: null };
    const { verifier, ciphertext } = await this.generate(databaseName);
    return { scramVerifier: verifier, passwordCiphertext: ciphertext };
  }

  async generate(databaseName: string): Promise<FreshCredentials> {
    const drawn = this.next;
    this.next = draw();
    const { password, verifier } = await drawn;
    return {
      password,
      verifier,
      ciphertext: this.box?.seal(password, passwordPurpose(databaseName)) ?? null,
    };
  }

  /** Keeps a password in memory for the operation that puts it in force. */
  remember(operationId: string, password: string): void {
    this.recent.set(operationId, password);
  }

  recall(operationId: string): string | null {
    return this.recent.get(operationId) ?? null;
  }

  /** The password, or null where it was never sealed or the key is another one now. */
  find(databaseName: string, ciphertext: string | null): string | null {
    if (!this.box || !ciphertext) return null;
    try {
      return this.box.open(ciphertext, passwordPurpose(databaseName));
    } catch {
      return null;
    }
  }

  /** Throws CONFLICT where the password cannot be shown again. */
  get(databaseName: string, ciphertext: string | null): string {
    const password = this.find(databaseName, ciphertext);
    if (password !== null) return password;
    throw new RowhouseError(
      'CONFLICT',
      'The password cannot be shown again: it was made without this ENCRYPTION_KEY. Rotate the credentials for a new one.',
    );
  }
}

async function draw(): Promise<{ password: string; verifier: string }> {
  const password = generatePassword();
  return { password, verifier: await scramVerifier(password) };
}

/** `name`: what the credentials belong to, a database, a tenant's schema or a role. */
export function passwordPurpose(name: string): string {
  return `database-password:${name}`;
}
