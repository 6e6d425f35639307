import { Injectable } from '@nestjs/common';
import { type ListQuery, toPage } from '../../http/pagination.js';
import { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { invalidField, notFound, RowhouseError } from '../../kernel/errors.js';
import { type OperationReply, type ReplyOptions, toReply } from '../../operations/operation-reply.js';
import { hasEnded } from '../../operations/operation-state.js';
import { OperationsService } from '../../operations/operations.service.js';
import type { AddRuleDto, PatchWhitelistDto, ReplaceWhitelistDto } from './dto/requests.dto.js';
import type { AddedRuleDto, RemovedRuleDto, WhitelistDto, WhitelistRuleDto } from './dto/whitelist.dto.js';
import { assertMatches, type IfMatch } from './if-match.js';
import { planAddition, planPatch, planReplacement, toWish } from './list-change.js';
import { type StartedChange, WhitelistChanges, type WhitelistCommand } from './whitelist-changes.js';
import { etagOf, type HomeRef } from './whitelist-home.js';
import { WhitelistHomes } from './whitelist-homes.js';
import { WhitelistPresenter } from './whitelist-presenter.js';
import { statusOf, type WhitelistRule } from './whitelist-rule.js';
import { WhitelistsRepository } from './whitelists.repository.js';

/** The lists of databases and tenants, as their routes use them. */
@Injectable()
export class WhitelistsService {
  constructor(
    private readonly homes: WhitelistHomes,
    private readonly repository: WhitelistsRepository,
    private readonly changes: WhitelistChanges,
    private readonly operations: OperationsService,
    private readonly presenter: WhitelistPresenter,
  ) {}

  /** Newest first, with the list's ETag. */
  async list(ref: HomeRef, query: ListQuery): Promise<Page<WhitelistRuleDto>> {
    const home = await this.homes.get(ref);
    const rules = await this.repository.list(home, query);
    const { items, nextCursor } = toPage(rules, query.limit, (rule) => this.presenter.rule(rule));
    return new Page(items, nextCursor, { etag: etagOf(home) });
  }

  async get(ref: HomeRef, ruleId: string): Promise<WhitelistRuleDto> {
    return this.presenter.rule(await this.getRule(ref, ruleId));
  }

  async add(
    context: RequestContext,
    ref: HomeRef,
    { force, ...rule }: AddRuleDto,
  ): Promise<OperationReply<AddedRuleDto>> {
    const started = await this.changes.start(context, ref, {
      action: 'whitelist.add',
      force: force === true,
      field: 'ipAddress',
      plan: (_, rules, now) => planAddition(rules, [toWish(rule, '')], now),
    });
    const [stored] = started.added as [WhitelistRule];
    const resource = async () => {
      const rule = await this.repository.find(stored.id);
      return this.presenter.added(rule ?? stored, started.advice);
    };
    return this.finish(context, started, { created: true, resource });
  }

  patch(
    context: RequestContext,
    ref: HomeRef,
    { add = [], remove = [], force }: PatchWhitelistDto,
  ): Promise<OperationReply<WhitelistDto>> {
    return this.change(context, ref, {
      action: 'whitelist.update',
      force: force === true,
      field: 'add',
      plan: (_, rules, now) => {
        if (add.length + remove.length === 0) throw invalidField('add', 'give add, remove, or both');
        const wishes = add.map((rule, at) => toWish(rule, `add[${at}]`));
        return planPatch(rules, { wishes, removals: remove }, now);
      },
    });
  }

  replace(
    context: RequestContext,
    ref: HomeRef,
    { rules: wanted, force, ifMatch }: ReplaceWhitelistDto & { ifMatch: IfMatch },
  ): Promise<OperationReply<WhitelistDto>> {
    return this.change(context, ref, {
      action: 'whitelist.replace',
      force: force === true,
      field: 'rules',
      plan: (home, rules, now) => {
        assertMatches(ifMatch, etagOf(home));
        const wishes = wanted.map((rule, at) => toWish(rule, `rules[${at}]`));
        return planReplacement(rules, wishes, now);
      },
    });
  }

  /** Throws NOT_FOUND, and RESOURCE_BUSY while its removal is under way. */
  async remove(
    context: RequestContext,
    ref: HomeRef,
    { ruleId, force }: { ruleId: string; force: boolean },
  ): Promise<OperationReply<RemovedRuleDto>> {
    const found = await this.getRule(ref, ruleId);
    const started = await this.changes.start(context, ref, {
      action: 'whitelist.remove',
      force,
      field: 'id',
      plan: (_, rules) => ({ added: [], updated: [], removed: [stillThere(rules, found)] }),
    });
    const resource = async () => this.presenter.removed(started.home, found, started.advice);
    return this.finish(context, started, { created: false, resource });
  }

  private async change(
    context: RequestContext,
    ref: HomeRef,
    command: WhitelistCommand,
  ): Promise<OperationReply<WhitelistDto>> {
    const started = await this.changes.start(context, ref, command);
    const resource = async () => {
      const rules = await this.repository.listLive(started.home);
      return this.presenter.list(started.home, rules, started.advice);
    };
    return this.finish(context, started, { created: false, resource });
  }

  /** A change that the ports learn of later is answered with the list as it is stored. */
  private async finish<T>(
    context: RequestContext,
    { home, operation, etag }: StartedChange,
    { created, resource }: Pick<ReplyOptions<T>, 'created' | 'resource'>,
  ): Promise<OperationReply<T>> {
    const ended = await this.operations.run(operation, context.waitMs);
    const stored = hasEnded(ended) ? [] : await this.repository.listLive(home);
    const reply = await toReply(ended, {
      created,
      resource,
      pending: () => ({ rules: stored.map((rule) => this.presenter.rule(rule)) }),
    });
    return reply.withHeaders({ etag });
  }

  private async getRule(ref: HomeRef, ruleId: string): Promise<WhitelistRule> {
    const home = await this.homes.get(ref);
    const rule = await this.repository.find(ruleId);
    const owner = home.kind === 'database' ? rule?.databaseId : rule?.tenantId;
    if (!rule || owner !== home.id) throw notFound('whitelist rule', ruleId);
    return rule;
  }
}

function stillThere(rules: readonly WhitelistRule[], found: WhitelistRule): WhitelistRule {
  const rule = rules.find(({ id }) => id === found.id);
  if (rule) return rule;
  if (statusOf(found) === 'removing') {
    throw new RowhouseError('RESOURCE_BUSY', 'It is being removed already.');
  }
  throw notFound('whitelist rule', found.id);
}
