import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { PgBouncerAdmin } from '../../infra/pgbouncer/pgbouncer-admin.js';
import { SQLSTATE, sqlState } from '../../infra/postgres/sqlstate.js';
import {
  END_STRANGERS,
  FIND_GRANTEES,
  type Grantee,
  revokeGrantees,
} from '../../infra/postgres/stranger-sql.js';
import { DatabaseName } from '../../kernel/identifiers.js';
import { endClients } from '../access/pooled-sweep.js';
import type { ManagedServer } from '../managed-server.js';
import { cutAlias } from '../resume-alias.js';
import { SessionEnd } from '../session-end.js';
import { readInsiders } from './insiders.js';

/** Roles that are not a database's own, and that its owner let in: an owner may grant CONNECT to any role of the server. */
@Injectable()
export class Strangers {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessionEnd: SessionEnd,
  ) {}

  /** Takes back what strangers were granted on a database and on its shadow database, and ends their sessions on both ports. */
  async evict(server: ManagedServer, databaseName: string): Promise<void> {
    const names = [databaseName, DatabaseName.of(databaseName).shadow.value];
    // Grants before names: a role that came into being in between is known by its row.
    const grantees = await this.findGrantees(server, names);
    const insiders = await this.insiders(server, databaseName);
    await revoke(server, { grantees, insiders });
    await this.sessionEnd.await(server, {
      sql: END_STRANGERS,
      parameters: [names, insiders],
      what: `the sessions of strangers in ${databaseName} to end`,
    });
    await endPooled(server, new Set(names), new Set(insiders));
  }

  private findGrantees({ postgres }: ManagedServer, names: readonly string[]): Promise<Grantee[]> {
    return postgres.query<Grantee & Record<string, unknown>>(FIND_GRANTEES, [names]);
  }

  private async insiders({ config }: ManagedServer, databaseName: string): Promise<string[]> {
    const names = await readInsiders(this.dataSource, databaseName);
    return config.pooler ? [...names, config.pooler.authUser] : names;
  }
}

async function revoke(
  { postgres }: ManagedServer,
  { grantees, insiders }: { grantees: readonly Grantee[]; insiders: readonly string[] },
): Promise<void> {
  const own = new Set(insiders);
  const granting = grantees.filter(({ canGrant }) => canGrant);
  const strangers = grantees.filter(({ name }) => !own.has(name));
  if (granting.length + strangers.length === 0) return;
  await postgres.execute(revokeGrantees(granting, strangers)).catch(ignoreAbsence);
}

/** A role or database that was dropped meanwhile; whoever else is meant is met by the next look. */
function ignoreAbsence(error: unknown): void {
  const state = sqlState(error);
  if (state !== SQLSTATE.undefinedObject && state !== SQLSTATE.invalidCatalogName) throw error;
}

async function endPooled(
  server: ManagedServer,
  databases: ReadonlySet<string>,
  insiders: ReadonlySet<string>,
): Promise<void> {
  const { pooler } = server;
  if (!pooler) return;
  const aliases = await aliasesOf(pooler, databases);
  const found = (await pooler.clients()).filter(
    ({ database, user }) => aliases.has(database) && !insiders.has(user),
  );
  const rest = await endClients(server, found);
  for (const alias of new Set(rest.map(({ database }) => database))) await cutAlias(pooler, alias);
}

async function aliasesOf(pooler: PgBouncerAdmin, databases: ReadonlySet<string>): Promise<Set<string>> {
  const served = await pooler.databases();
  return new Set(served.filter(({ database }) => databases.has(database)).map(({ name }) => name));
}
