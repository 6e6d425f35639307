import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Reply } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import { Clock } from '../../kernel/clock.js';
import { invalidField, RowhouseError } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { Operation } from '../../operations/operation.types.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { TemplateStore } from '../../provisioning/tenancy/templates/template-store.js';
import type { CreateMigrationDto } from './dto/create-migration.dto.js';
import type { MigrationDto } from './dto/migration.dto.js';
import { MIGRATED_STATUSES, type Migration, type MigrationFilter } from './migration.js';
import { toStrategy } from './migration-strategy.js';
import { MigrationTenantsRepository } from './migration-tenants.repository.js';
import { MigrationsReader } from './migrations.reader.js';
import { MigrationsRepository } from './migrations.repository.js';

/** Begins migrations. */
@Injectable()
export class MigrationsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly migrations: MigrationsRepository,
    private readonly tenants: MigrationTenantsRepository,
    private readonly reader: MigrationsReader,
    private readonly templates: TemplateStore,
    private readonly operations: OperationsService,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  async create(context: RequestContext, dto: CreateMigrationDto): Promise<OperationReply<MigrationDto>> {
    const migration = await this.prepare(context, dto);
    const operation = await this.begin(context, migration).catch((error) => this.explain(migration, error));
    if (!operation) return new Reply(201, await this.reader.get(migration.id));
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: true, resource: () => this.reader.get(migration.id) });
  }

  private async prepare(
    { principal }: RequestContext,
    { templateId, version, strategy, dryRun, ...dto }: CreateMigrationDto,
  ): Promise<Migration> {
    await this.assertTenants(templateId, dto.tenantIds);
    return {
      id: newId(),
      templateId,
      version: await this.versionOf(templateId, version),
      dryRun: dryRun === true,
      state: 'pending',
      requested: null,
      strategy: toStrategy(strategy),
      filter: toFilter(dto),
      error: null,
      report: null,
      createdBy: principal.name,
      createdAt: this.clock.now(),
      startedAt: null,
      finishedAt: null,
    };
  }

  private async versionOf(templateId: string, version: number | undefined): Promise<number> {
    const { name, latestVersion } = await this.templates.get(templateId);
    if (latestVersion === 0)
      throw new RowhouseError('CONFLICT', `The template "${name}" has no version yet.`);
    if (version === undefined || version <= latestVersion) return version ?? latestVersion;
    throw invalidField('version', `must be at most ${latestVersion}, the newest version of "${name}"`);
  }

  private async assertTenants(templateId: string, tenantIds: readonly string[] | undefined): Promise<void> {
    const others = tenantIds ? await this.tenants.countOthers(templateId, tenantIds) : 0;
    if (others > 0) throw invalidField('tenantIds', `must be tenants of the template; ${others} are not`);
  }

  /** One control transaction: the row, its tenants, its operation, its audit row. Null when nothing is to be done. */
  private begin(context: RequestContext, migration: Migration): Promise<Operation | null> {
    return this.dataSource.transaction(async (tx) => {
      await this.migrations.insert(tx, migration);
      const hasWork = await this.plan(tx, migration);
      const operation = hasWork ? await this.createOperation(tx, context, migration) : null;
      if (!operation) await this.migrations.move(tx, migration.id, { to: 'succeeded', error: null });
      const { templateId, version, dryRun, strategy, filter } = migration;
      await this.audit.record(tx, context, {
        action: 'migration.create',
        resourceType: 'migration',
        resourceId: migration.id,
        operationId: operation?.id,
        after: { templateId, version, dryRun, strategy, filter },
        outcome: operation ? 'accepted' : 'succeeded',
      });
      return operation;
    });
  }

  private async plan(tx: EntityManager, migration: Migration): Promise<boolean> {
    if (migration.dryRun) return true;
    if ((await this.tenants.plan(tx, migration)) > 0) return true;
    return (await this.tenants.countComing(migration, tx)) > 0;
  }

  private createOperation(
    tx: EntityManager,
    context: RequestContext,
    { id, dryRun, strategy }: Migration,
  ): Promise<Operation> {
    const kind = dryRun ? 'migration.dry_run' : 'migration.run';
    return this.operations.create(tx, context, {
      kind,
      subjectType: 'migration',
      subjectId: id,
      input: { isPastCanary: strategy.canary === 0 },
    });
  }

  private async explain({ templateId }: Migration, error: unknown): Promise<never> {
    if (sqlState(error) !== SQLSTATE.uniqueViolation) throw error;
    const other = await this.migrations.findUnfinished(templateId);
    throw new RowhouseError(
      'CONFLICT',
      `The template has an unfinished migration${other ? `: ${other.id}, to version ${other.version}, ${other.state}` : ''}.`,
    );
  }
}

function toFilter({ tenantIds, databaseId, statuses }: Partial<MigrationFilter>): MigrationFilter {
  return {
    ...(tenantIds && { tenantIds }),
    ...(databaseId && { databaseId }),
    statuses: statuses ?? MIGRATED_STATUSES,
  };
}
