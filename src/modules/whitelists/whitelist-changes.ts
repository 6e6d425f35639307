import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { Cidr } from '../../kernel/cidr.js';
import { Clock } from '../../kernel/clock.js';
import { RowhouseError } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import {
  admissionOf,
  assertKeepsCaller,
  type ListedTerms,
  warningOf,
  warningOfWideRules,
} from './caller-address.js';
import { assertRoom, findOverlaps, type ListChange } from './list-change.js';
import { etagOf, type HomeRef, type WhitelistHome } from './whitelist-home.js';
import { WhitelistHomes } from './whitelist-homes.js';
import type { ApplyInput, FormerRule } from './whitelist-operations.js';
import { type Advice, WhitelistPresenter } from './whitelist-presenter.js';
import type { WhitelistRule } from './whitelist-rule.js';
import { WhitelistsRepository } from './whitelists.repository.js';

export interface WhitelistCommand {
  readonly action: string;
  readonly force: boolean;
  /** The field to complain of when the list has no room. */
  readonly field: string;
  /** What to do to the list as it is, locked. Throws what refuses the request. */
  plan(home: WhitelistHome, rules: readonly WhitelistRule[], now: Date): ListChange;
}

export interface StartedChange {
  readonly home: WhitelistHome;
  readonly operation: Operation;
  readonly added: readonly WhitelistRule[];
  readonly removed: readonly WhitelistRule[];
  readonly etag: string;
  readonly advice: Advice;
}

/** Changes lists: rows, revision, operation and audit row are one control transaction under the lock of the home's row. */
@Injectable()
export class WhitelistChanges {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly homes: WhitelistHomes,
    private readonly repository: WhitelistsRepository,
    private readonly presenter: WhitelistPresenter,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  start(context: RequestContext, ref: HomeRef, command: WhitelistCommand): Promise<StartedChange> {
    return this.dataSource.transaction(async (tx) => {
      const home = await this.homes.getLocked(tx, ref);
      assertChangeable(home);
      const rules = await this.repository.listLive(home, tx);
      const now = this.clock.now();
      const change = command.plan(home, rules, now);
      assertRoom(rules.length, change, command.field);
      const added = change.added.map((wish) => newRule(home, wish, { context, now }));
      const after = afterwards(rules, change, added);
      const warning = await this.judge(tx, context, { home, rules, after, force: command.force });
      await this.write(tx, change, { added, now });
      const revision = await this.homes.bumpRevision(tx, home);
      const changed = { ...home, revision, whitelistSize: after.length };
      const operation = await this.operations.create(tx, context, operationOn(changed, change, added));
      await this.audit.record(tx, context, {
        action: command.action,
        resourceType: home.kind,
        resourceId: home.id,
        operationId: operation.id,
        before: this.presenter.audited(rules),
        after: this.presenter.audited(after),
        outcome: 'accepted',
      });
      const overlaps = findOverlaps(networksOf(after), change.added);
      const { removed } = change;
      return {
        home: changed,
        operation,
        added,
        removed,
        etag: etagOf(changed),
        advice: { overlaps, warning },
      };
    });
  }

  /** Throws LOCKS_OUT_CALLER unless forced; else what the caller should be told. */
  private async judge(
    tx: EntityManager,
    { address }: RequestContext,
    { home, rules, after, force }: Judged,
  ): Promise<string | null> {
    const { defaultAccess } = this.config;
    const host = home.host && this.termsOf(home.host, await this.repository.listLive(home.host, tx), null);
    const terms = { before: this.termsOf(home, rules, host), after: this.termsOf(home, after, host) };
    const wide = warningOfWideRules(terms.after.networks);
    if (address === null) return wide;
    const admission = admissionOf(address, terms.after, defaultAccess);
    if (!force) assertKeepsCaller(address, admissionOf(address, terms.before, defaultAccess), admission);
    return warningOf(address, admission) ?? wide;
  }

  private termsOf(
    { externalAccess }: WhitelistHome,
    rules: readonly WhitelistRule[],
    host: ListedTerms | null,
  ): ListedTerms {
    const now = this.clock.now();
    const admitting = rules.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
    return { whitelistSize: rules.length, externalAccess, networks: networksOf(admitting), host };
  }

  private async write(
    tx: EntityManager,
    { removed, updated }: ListChange,
    { added, now }: { added: readonly WhitelistRule[]; now: Date },
  ): Promise<void> {
    await this.repository.remove(tx, idsOf(removed), now);
    for (const { rule, wish } of updated) await this.repository.update(tx, { ...wish, id: rule.id });
    await this.repository.insert(tx, added);
  }
}

interface Judged {
  readonly home: WhitelistHome;
  readonly rules: readonly WhitelistRule[];
  readonly after: readonly WhitelistRule[];
  readonly force: boolean;
}

/** Not on the home itself: that would let one change, or another operation of the home, refuse the next. */
function operationOn(
  { kind, id, serverId }: WhitelistHome,
  { removed, updated }: ListChange,
  added: readonly WhitelistRule[],
) {
  const input: ApplyInput = {
    serverId,
    home: { kind, id },
    added: idsOf(added),
    removed: idsOf(removed),
    updated: updated.map(({ rule }) => toFormer(rule)),
  };
  return { kind: 'whitelist.apply', subjectType: 'whitelist', subjectId: newId(), input: { ...input } };
}

function toFormer({ id, description, expiresAt }: WhitelistRule): FormerRule {
  return { id, description, expiresAt: expiresAt?.toISOString() ?? null };
}

function assertChangeable({ kind, status }: WhitelistHome): void {
  if (status === 'active' || status === 'suspended') return;
  throw new RowhouseError('RESOURCE_BUSY', `The ${kind} is ${status}; its whitelist cannot be changed now.`);
}

function newRule(
  { kind, id }: HomeRef,
  { network, description, expiresAt }: ListChange['added'][number],
  { context, now }: { context: RequestContext; now: Date },
): WhitelistRule {
  return {
    id: newId(),
    databaseId: kind === 'database' ? id : null,
    tenantId: kind === 'tenant' ? id : null,
    network: String(network),
    description,
    expiresAt,
    expiredAt: null,
    appliedAt: null,
    removedAt: null,
    createdBy: context.principal.name,
    createdAt: now,
  };
}

function afterwards(
  rules: readonly WhitelistRule[],
  { removed, updated }: ListChange,
  added: readonly WhitelistRule[],
): WhitelistRule[] {
  const changes = new Map(updated.map(({ rule, wish }) => [rule.id, wish]));
  const staying = rules.filter((rule) => !removed.includes(rule));
  const kept = staying.map((rule) => {
    const wish = changes.get(rule.id);
    return wish ? { ...rule, description: wish.description, expiresAt: wish.expiresAt } : rule;
  });
  return [...kept, ...added];
}

function networksOf(rules: readonly WhitelistRule[]): Cidr[] {
  return rules.map(({ network }) => Cidr.parse(network));
}

function idsOf(rules: readonly WhitelistRule[]): string[] {
  return rules.map(({ id }) => id);
}
