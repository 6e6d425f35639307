import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { notFound } from '../../kernel/errors.js';
import type { SchemaName } from '../../kernel/identifiers.js';
import type { StepContext } from '../../operations/operation.types.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import {
  ScratchBuildFailed,
  ScratchDatabase,
} from '../../provisioning/tenancy/templates/scratch-database.js';
import { TemplateStore, type TemplateVersion } from '../../provisioning/tenancy/templates/template-store.js';
import {
  toVersionFailed,
  VersionFailed,
  type VersionProblem,
} from '../../provisioning/tenancy/versions/version-failure.js';
import { VersionRunner } from '../../provisioning/tenancy/versions/version-runner.js';
import type { DryRunResult, Migration } from './migration.js';
import { MigrationTenantsRepository } from './migration-tenants.repository.js';
import { MigrationsRepository } from './migrations.repository.js';

interface Group {
  /** The version that these tenants have. */
  readonly version: number;
  readonly tenants: number;
}

/** Tries a migration in fresh schemas, one for each version that tenants have. No tenant is touched. */
@Injectable()
export class DryRun {
  constructor(
    private readonly migrations: MigrationsRepository,
    private readonly tenants: MigrationTenantsRepository,
    private readonly templates: TemplateStore,
    private readonly servers: ServerRegistry,
    private readonly scratch: ScratchDatabase,
    private readonly runner: VersionRunner,
  ) {}

  async run({ operation: { subjectId }, signal }: StepContext): Promise<void> {
    const migration = subjectId && (await this.migrations.find(subjectId));
    if (!migration) throw notFound('migration', subjectId ?? '');
    await this.migrations.start(migration.id);
    const versions = await this.templates.versions(migration.templateId, { last: migration.version });
    const results: DryRunResult[] = [];
    for (const group of await this.tenants.outdatedVersions(migration)) {
      signal.throwIfAborted();
      if ((await this.migrations.findRequested(migration.id)) !== null) break;
      results.push(await this.tryGroup(migration, versions, group));
    }
    await this.migrations.report(migration.id, results);
  }

  private async tryGroup(
    migration: Migration,
    versions: readonly TemplateVersion[],
    { version, tenants }: Group,
  ): Promise<DryRunResult> {
    const present = versions.filter(({ number }) => number <= version);
    const coming = versions.filter(({ number }) => number > version);
    const outcome = await this.scratch
      .withFreshSchema(this.servers.default(), present, (client, schema) =>
        this.applyAll(client, schema, { migration, coming }),
      )
      .catch(toOutcome);
    const state = outcome.error ? 'failed' : 'succeeded';
    const { durationMs, error } = outcome;
    return { from_version: version, tenants, state, duration_ms: Math.round(durationMs), error };
  }

  private async applyAll(
    client: ClientBase,
    { value: schemaName }: SchemaName,
    { migration, coming }: { migration: Migration; coming: readonly TemplateVersion[] },
  ): Promise<Outcome> {
    const { lockTimeoutMs, statementTimeoutMs } = migration.strategy;
    const startedAt = performance.now();
    const endAt = (error: VersionProblem | null) => ({ durationMs: performance.now() - startedAt, error });
    for (const version of coming) {
      const order = { schemaName, schemaOid: null, version, lockTimeoutMs, statementTimeoutMs };
      const problem = await this.runner.apply(client, order).then(() => null, toProblem);
      if (problem) return endAt(problem);
    }
    return endAt(null);
  }
}

interface Outcome {
  readonly durationMs: number;
  readonly error: VersionProblem | null;
}

function toProblem(error: unknown): VersionProblem {
  if (error instanceof VersionFailed) return error.problem;
  throw error;
}

/** A version that tenants have already does not run in a new schema. */
function toOutcome(error: unknown): Outcome {
  if (!(error instanceof ScratchBuildFailed)) throw error;
  return { durationMs: 0, error: toVersionFailed(error.cause, error.version, null).problem };
}
