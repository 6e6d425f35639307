import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { Operation, OperationHandler } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { AccessSync } from '../../provisioning/access/access-sync.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import type { HomeRef } from './whitelist-home.js';
import { WhitelistHomes } from './whitelist-homes.js';
import { WhitelistsRepository } from './whitelists.repository.js';

/** What `whitelist.apply` keeps of the change that it puts in force. */
export interface ApplyInput {
  readonly serverId: string;
  readonly home: HomeRef;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** As they were before. */
  readonly updated: readonly FormerRule[];
}

export interface FormerRule {
  readonly id: string;
  readonly description: string;
  readonly expiresAt: string | null;
}

/** What `whitelist.expire` keeps. */
export interface ExpireInput {
  readonly serverIds: readonly string[];
  readonly rules: readonly string[];
}

const PATIENT = { maxAttempts: 100_000, deadlineSeconds: 7 * 86_400, whenUnavailable: 'retry' } as const;

/** Tells the engine how a stored list comes into force. */
@Injectable()
export class WhitelistOperations implements OnModuleInit {
  constructor(
    private readonly operations: OperationsService,
    private readonly servers: ServerRegistry,
    private readonly access: AccessSync,
    private readonly homes: WhitelistHomes,
    private readonly repository: WhitelistsRepository,
  ) {}

  onModuleInit(): void {
    this.operations.register(this.apply());
    this.operations.register(this.expire());
  }

  /** A change that fails is taken back: whoever asked was told that the former rules stay in force. */
  private apply(): OperationHandler {
    return {
      kind: 'whitelist.apply',
      ...PATIENT,
      steps: [{ name: 'apply', run: ({ operation }) => this.sync([applyInput(operation).serverId]) }],
      succeed: async () => null,
      fail: (tx, operation) => this.takeBack(tx, applyInput(operation)),
    };
  }

  /** An end that was announced comes, whatever refuses it at first. */
  private expire(): OperationHandler {
    return {
      kind: 'whitelist.expire',
      ...PATIENT,
      steps: [
        {
          name: 'apply',
          run: ({ operation }) => this.sync(expireInput(operation).serverIds).catch(toRetryable),
        },
      ],
      succeed: async (tx, operation) => {
        await this.release(tx, operation);
        return null;
      },
      fail: (tx, operation) => this.release(tx, operation),
    };
  }

  private async sync(serverIds: readonly string[]): Promise<void> {
    for (const id of serverIds) await this.access.sync(this.servers.get(id));
  }

  private async takeBack(tx: EntityManager, { home, added, removed, updated }: ApplyInput): Promise<void> {
    const isThere = await this.homes.getLocked(tx, home).catch(noneIfGone);
    if (!isThere) return;
    await this.repository.discard(tx, added);
    await this.repository.restore(tx, removed);
    for (const { id, description, expiresAt } of updated) {
      const end = expiresAt === null ? null : new Date(expiresAt);
      await this.repository.update(tx, { id, description, expiresAt: end });
    }
    await this.homes.bumpRevision(tx, home);
  }

  private release(tx: EntityManager, operation: Operation): Promise<void> {
    return this.repository.releaseExpired(tx, expireInput(operation).rules);
  }
}

function applyInput({ input }: Operation): ApplyInput {
  return input as unknown as ApplyInput;
}

function expireInput({ input }: Operation): ExpireInput {
  return input as unknown as ExpireInput;
}

function noneIfGone(error: unknown): null {
  if (error instanceof RowhouseError) return null;
  throw error;
}

function toRetryable(error: unknown): never {
  if (isUnavailable(error) || !(error instanceof RowhouseError)) throw error;
  throw new RowhouseError('SERVICE_UNAVAILABLE', error.detail, { cause: error });
}
