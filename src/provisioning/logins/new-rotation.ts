import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { invalidField, RowhouseError } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { FreshCredentials } from '../home-credentials.js';
import { type HomeKey, type LoginHome, LoginHomes } from './login-home.js';
import { type LoginTurn, otherTurn, secondLogin } from './login-names.js';
import { LoginStore } from './login-store.js';

/** How a home's password shall be rotated. */
export interface RotationWish {
  /** How long the old login goes on working; 0 is not at all. */
  readonly graceSeconds?: number;
  readonly endSessions?: boolean;
  readonly endWhenUnused?: boolean;
}

/** The input of the operation; `turn` tells whether the other login becomes the current one. */
export interface RotationInput extends Record<string, unknown> {
  readonly turn: boolean;
  readonly graceSeconds: number;
  readonly endSessions: boolean;
  readonly endWhenUnused: boolean;
}

/** Throws VALIDATION_FAILED for what makes no sense together. */
export function toRotationInput(wish: RotationWish): RotationInput {
  const { graceSeconds = 0, endSessions = false, endWhenUnused = false } = wish;
  if (graceSeconds === 0 && endWhenUnused) {
    throw invalidField(
      'endWhenUnused',
      'needs graceSeconds above 0: without a grace the old password ends at once',
    );
  }
  if (graceSeconds > 0 && endSessions) {
    throw invalidField(
      'endSessions',
      'is for graceSeconds 0: with a grace the old sessions live until it ends',
    );
  }
  return { turn: graceSeconds > 0, graceSeconds, endSessions, endWhenUnused };
}

/** The part of a rotation that belongs into the control transaction which enqueues its operation. */
@Injectable()
export class NewRotation {
  constructor(
    private readonly homes: LoginHomes,
    private readonly store: LoginStore,
  ) {}

  /** Whose password it will be. Throws CONFLICT while another overlap is under way. */
  async prepare(
    tx: EntityManager,
    key: HomeKey,
    { input, fresh, at }: { input: RotationInput; fresh: FreshCredentials; at: Date },
  ): Promise<LoginTurn> {
    const home = await this.homes.get(key, tx);
    if (input.turn) await this.prepareTurn(tx, home, at);
    const login = input.turn ? otherTurn(home.login) : home.login;
    await this.homes.setNext(tx, key, { login, ...fresh });
    return login;
  }

  private async prepareTurn(tx: EntityManager, home: LoginHome, at: Date): Promise<void> {
    if (await this.store.findOverlap(home, tx)) {
      throw new RowhouseError(
        'CONFLICT',
        'An earlier rotation is still in its grace. End it first (DELETE …/credentials/previous), or rotate with graceSeconds 0, which ends it.',
      );
    }
    const known = await this.store.list(home, tx);
    if (known.some(({ purpose }) => purpose === 'rotation')) return;
    await this.store.insert(tx, {
      id: newId(),
      databaseId: home.type === 'database' ? home.id : null,
      tenantId: home.type === 'tenant' ? home.id : null,
      purpose: 'rotation',
      name: '2',
      username: secondLogin(home.username),
      roleOid: null,
      access: 'owner',
      status: 'active',
      maxConnections: home.maxConnections,
      networks: null,
      expiresAt: null,
      scramVerifier: null,
      passwordCiphertext: null,
      nextScramVerifier: null,
      nextPasswordCiphertext: null,
      createdBy: 'rotation',
      createdAt: at,
      updatedAt: at,
    });
  }
}
