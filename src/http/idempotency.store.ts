import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { maskSecrets } from '../kernel/masking.js';
import { SecretBox } from '../kernel/secret-box.js';

export interface IdempotentRequest {
  readonly apiKeyId: string;
  readonly key: string;
  readonly hash: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Renewed while the request runs: how long the key of a process that died stays in use. */
export const LEASE_MS = 10_000;

/** What is known of a request's key. The holder's id proves, later, that this request still has the key. */
export type IdempotencyState =
  | { readonly kind: 'claimed'; readonly holder: string }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  | { readonly kind: 'operation'; readonly operationId: string }
  | { readonly kind: 'in-use'; readonly secondsLeft: number }
  | { readonly kind: 'reused' };

interface Row {
  same_request: boolean;
  /** Of its lock; none is left when it is negative. */
  seconds_left: number;
  operation_id: string | null;
  operation_state: string | null;
  response_status: number | null;
  response_headers: Record<string, string> | null;
  response_masked: unknown;
  response_ciphertext: string | null;
}

/** A key is free again when it expired, or when its request died or failed without leaving an operation that goes on. */
const CLAIM = `
  INSERT INTO idempotency_keys AS held (api_key_id, idempotency_key, request_hash, held_by, locked_until, expires_at)
  VALUES ($1, $2, $3, gen_random_uuid(), clock_timestamp() + $4 * interval '1 millisecond',
    now() + interval '24 hours')
  ON CONFLICT (api_key_id, idempotency_key) DO UPDATE SET
    request_hash = excluded.request_hash, held_by = excluded.held_by, locked_until = excluded.locked_until,
    expires_at = excluded.expires_at, created_at = now(), operation_id = NULL, response_status = NULL, response_headers = NULL,
    response_masked = NULL, response_ciphertext = NULL
  WHERE held.expires_at <= now()
     OR (held.request_hash = excluded.request_hash AND held.response_status IS NULL AND held.locked_until <= now()
         AND (held.operation_id IS NULL OR EXISTS (
           SELECT FROM operations o WHERE o.id = held.operation_id AND o.state IN ('failed', 'cancelled'))))
  RETURNING held_by AS holder`;

const FIND = `
  SELECT held.request_hash = $3 AS same_request,
         extract(epoch FROM held.locked_until - clock_timestamp())::float8 AS seconds_left, held.operation_id,
         o.state AS operation_state, held.response_status, held.response_headers, held.response_masked,
         held.response_ciphertext
  FROM idempotency_keys held LEFT JOIN operations o ON o.id = held.operation_id
  WHERE held.api_key_id = $1 AND held.idempotency_key = $2`;

const KEEP = `
  UPDATE idempotency_keys
  SET response_status = $4, response_headers = $5, response_masked = $6, response_ciphertext = $7
  WHERE api_key_id = $1 AND idempotency_key = $2 AND held_by = $3`;

const RENEW = `
  UPDATE idempotency_keys SET locked_until = clock_timestamp() + $4 * interval '1 millisecond'
  WHERE api_key_id = $1 AND idempotency_key = $2 AND held_by = $3`;

/** A key whose operation goes on, or has succeeded, stays: its next request is answered from the operation. */
const RELEASE = `
  WITH released AS (
    DELETE FROM idempotency_keys held
    WHERE api_key_id = $1 AND idempotency_key = $2 AND held_by = $3
      AND NOT EXISTS (
        SELECT FROM operations o WHERE o.id = held.operation_id AND o.state IN ('pending', 'running', 'succeeded'))
    RETURNING api_key_id)
  UPDATE idempotency_keys SET locked_until = now()
  WHERE api_key_id = $1 AND idempotency_key = $2 AND held_by = $3
    AND NOT EXISTS (SELECT FROM released)`;

/** Remembers the answers to POST requests that carry an Idempotency-Key. */
@Injectable()
export class IdempotencyStore {
  private readonly box: SecretBox | null;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly control: DataSource,
  ) {
    this.box = config.encryptionKey && SecretBox.of(config.encryptionKey, config.formerEncryptionKeys);
  }

  /** Takes the key for `leaseMs`, or says who has it. */
  async claim(request: IdempotentRequest, leaseMs: number): Promise<IdempotencyState> {
    const { apiKeyId, key, hash } = request;
    const claimed: { holder: string }[] = await this.control.query(CLAIM, [apiKeyId, key, hash, leaseMs]);
    if (claimed[0]) return { kind: 'claimed', holder: claimed[0].holder };
    const rows: Row[] = await this.control.query(FIND, [apiKeyId, key, hash]);
    return rows[0] ? this.stateOf(rows[0], request) : { kind: 'in-use', secondsLeft: 0 };
  }

  async keep(request: IdempotentRequest, holder: string, answer: StoredAnswer): Promise<void> {
    await this.control.query(KEEP, [
      request.apiKeyId,
      request.key,
      holder,
      answer.status,
      JSON.stringify(answer.headers),
      JSON.stringify(maskSecrets(plain(answer.body))),
      this.box?.seal(JSON.stringify(answer.body), answerPurpose(request)) ?? null,
    ]);
  }

  async release({ apiKeyId, key }: IdempotentRequest, holder: string): Promise<void> {
    await this.control.query(RELEASE, [apiKeyId, key, holder]);
  }

  async renew({ apiKeyId, key }: IdempotentRequest, holder: string, leaseMs: number): Promise<void> {
    await this.control.query(RENEW, [apiKeyId, key, holder, leaseMs]);
  }

  async dropExpired(): Promise<void> {
    await this.control.query('DELETE FROM idempotency_keys WHERE expires_at <= now()');
  }

  private stateOf(row: Row, request: IdempotentRequest): IdempotencyState {
    if (!row.same_request) return { kind: 'reused' };
    if (row.response_status !== null) {
      const headers = row.response_headers ?? {};
      return {
        kind: 'answered',
        answer: { status: row.response_status, headers, body: this.bodyOf(row, request) },
      };
    }
    const isOver = row.operation_state === 'succeeded' || row.seconds_left <= 0;
    return row.operation_id && isOver
      ? { kind: 'operation', operationId: row.operation_id }
      : { kind: 'in-use', secondsLeft: row.seconds_left };
  }

  /** Whole when it was sealed and this process has the key it was sealed with, else with its secrets masked. */
  private bodyOf(row: Row, request: IdempotentRequest): unknown {
    if (!this.box || !row.response_ciphertext) return row.response_masked;
    try {
      return JSON.parse(this.box.open(row.response_ciphertext, answerPurpose(request)));
    } catch {
      return row.response_masked;
    }
  }
}

export function answerPurpose({ apiKeyId, key }: Pick<IdempotentRequest, 'apiKeyId' | 'key'>): string {
  return `idempotency:${apiKeyId}:${key}`;
}

function plain(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body));
}
