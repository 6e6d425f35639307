import { Inject, Injectable } from '@nestjs/common';
import type { ClientBase, QueryResultRow } from 'pg';
import type { EntityManager } from 'typeorm';
import { TENANCY_OPTIONS, type TenancyModuleOptions } from './nest-options.js';
import { TenancyError } from './tenancy-error.js';
import { findScope, type TenantScope } from './tenant-scope.js';

/** The present request's transaction, for providers of the default scope. Throws NO_TENANT where there is none. */
@Injectable()
export class TenantDb {
  constructor(@Inject(TENANCY_OPTIONS) private readonly options: TenancyModuleOptions) {}

  /** The tenant whose transaction it is. */
  get tenant(): string {
    return this.scope().tenant;
  }

  /** The connection, where the module has a `pool`. */
  get client(): ClientBase {
    const { handle } = this.scope();
    if (this.options.pool) return handle as ClientBase;
    throw new TenancyError('INVALID_OPTION', 'TenancyModule was given a dataSource: use `manager`.');
  }

  /** The entity manager, where the module has a `dataSource`. */
  get manager(): EntityManager {
    const { handle } = this.scope();
    if (this.options.dataSource) return handle as EntityManager;
    throw new TenancyError('INVALID_OPTION', 'TenancyModule was given a pool: use `client`.');
  }

  /** The rows of one statement. */
  async query<Row extends QueryResultRow = QueryResultRow>(
    sql: string,
    parameters: readonly unknown[] = [],
  ): Promise<Row[]> {
    const values = [...parameters];
    if (this.options.pool) return (await this.client.query<Row>(sql, values)).rows;
    const result = await this.manager.queryRunner?.query(sql, values, true);
    return (result?.records ?? []) as Row[];
  }

  private scope(): TenantScope<unknown> {
    const scope = findScope();
    const { pool, dataSource } = this.options;
    if (scope && scope.owner === (pool ?? dataSource)) return scope;
    throw new TenancyError(
      'NO_TENANT',
      'No transaction of a tenant is under way: put @InTenant() on the handler, and await all that it starts.',
    );
  }
}
