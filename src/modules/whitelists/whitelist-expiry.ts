import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { DataSource, type EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { systemContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { newId } from '../../kernel/ids.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import type { ExpireInput } from './whitelist-operations.js';
import { WhitelistPresenter } from './whitelist-presenter.js';
import type { WhitelistRule } from './whitelist-rule.js';
import { WhitelistsRepository } from './whitelists.repository.js';

const EVERY_MS = 500;
const BATCH = 1_000;

/** Ends rules when their time has come. However many processes look, one begins it. */
@Injectable()
export class WhitelistExpiry implements OnApplicationShutdown {
  private readonly logger = new Logger('Whitelists');
  private looking: Promise<void> | null = null;
  private isStopping = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly repository: WhitelistsRepository,
    private readonly presenter: WhitelistPresenter,
    private readonly servers: ServerRegistry,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.looking;
  }

  /** A look that takes longer than the interval is not doubled. */
  @Interval(EVERY_MS)
  async look(): Promise<void> {
    if (this.config.role === 'api' || this.looking || this.isStopping) return;
    this.looking = this.expire().catch((error: unknown) =>
      this.logger.debug('Rules that are due stay until the control database answers', error),
    );
    await this.looking;
    this.looking = null;
  }

  private async expire(): Promise<void> {
    const operation = await this.dataSource.transaction((tx) => this.begin(tx));
    // Nobody waits for it: the next look shall not either.
    if (operation) await this.operations.run(operation, 0);
  }

  private async begin(tx: EntityManager): Promise<Operation | null> {
    const rules = await this.repository.claimExpired(tx, BATCH);
    if (rules.length === 0) return null;
    const context = systemContext('whitelist.expire');
    const input: ExpireInput = {
      serverIds: this.servers.list().map(({ id }) => id),
      rules: rules.map(({ id }) => id),
    };
    const operation = await this.operations.create(tx, context, {
      kind: 'whitelist.expire',
      subjectType: 'whitelist',
      subjectId: newId(),
      input: { ...input },
    });
    for (const [home, expired] of byHome(rules)) {
      await this.audit.record(tx, context, {
        action: 'whitelist.expire',
        resourceType: expired[0]?.tenantId ? 'tenant' : 'database',
        resourceId: home,
        operationId: operation.id,
        after: this.presenter.audited(expired),
        outcome: 'accepted',
      });
    }
    return operation;
  }
}

function byHome(rules: readonly WhitelistRule[]): Map<string, WhitelistRule[]> {
  const homes = new Map<string, WhitelistRule[]>();
  for (const rule of rules) {
    const home = rule.databaseId ?? rule.tenantId ?? '';
    homes.set(home, [...(homes.get(home) ?? []), rule]);
  }
  return homes;
}
