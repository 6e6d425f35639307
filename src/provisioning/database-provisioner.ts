import { Injectable } from '@nestjs/common';
import {
  clearTemplateFlag,
  createDatabase,
  type DatabaseRow,
  dropDatabase,
  FIND_DATABASE,
  openDatabase,
} from '../infra/postgres/database-sql.js';
import { SQLSTATE, sqlState } from '../infra/postgres/sqlstate.js';
import { DatabaseName, RoleName } from '../kernel/identifiers.js';
import { settleAll } from '../kernel/settle-all.js';
import type { DatabaseHome } from './database-home.js';
import { Extensions } from './extensions.js';
import { FurtherLogins } from './logins/further-logins.js';
import type { ManagedServer } from './managed-server.js';
import { BLANK_DATABASE, markOf, ownershipMismatch } from './marks.js';
import { pollUntil } from './poll.js';
import { PoolerAliases } from './pooler-aliases.js';
import { RoleProvisioner } from './role-provisioner.js';
import { StuckSessions } from './stuck-sessions.js';

const DROP_TIMEOUT_MS = 10 * 60_000;
const COPY_PATIENCE_MS = 60_000;

type OwnedDatabase = Pick<DatabaseHome, 'databaseName' | 'databaseOid' | 'username' | 'roleOid'>;

/**
 * Makes and removes what a managed database is on its server. Every method may run again after a crash. Nothing is
 * dropped, and nothing found is taken for the home's own, unless name and OID match; before the OID was recorded, the mark
 * of the owner's role is the proof.
 */
@Injectable()
export class DatabaseProvisioner {
  constructor(
    private readonly roles: RoleProvisioner,
    private readonly logins: FurtherLogins,
    private readonly aliases: PoolerAliases,
    private readonly extensions: Extensions,
    private readonly stuck: StuckSessions,
  ) {}

  /** The role, which cannot log in yet. Returns its OID. */
  ensureRole(server: ManagedServer, home: Pick<DatabaseHome, 'username' | 'roleOid'>): Promise<number> {
    return this.roles.make(server, home);
  }

  /** The database, a copy of the blank one, owned by the role; closed until `ensurePrivileges`. Returns its OID. */
  async ensureDatabase(server: ManagedServer, home: OwnedDatabase): Promise<number> {
    const found = await findOwned(server, home);
    if (found) return found.oid;
    await copyBlank(server, home);
    const made = await findOwned(server, home);
    if (!made) throw new Error(`the database ${home.databaseName} vanished while it was made`);
    return made.oid;
  }

  /** Password, limits and timeouts for a role that cannot log in yet. */
  prepareLogin(server: ManagedServer, home: DatabaseHome): Promise<void> {
    return this.roles.prepare(server, home);
  }

  /** Opens the database, to its owner and the pooler's lookup only. */
  async ensurePrivileges(server: ManagedServer, home: Pick<DatabaseHome, 'databaseName'>): Promise<void> {
    const grants = { mark: markOf(server), poolerRole: server.config.pooler?.authUser ?? null };
    await server.postgres.execute(openDatabase(DatabaseName.of(home.databaseName), grants));
  }

  /**
   * Connection limit and default timeouts; sessions have them from their next login on, pooled ones as well. Before a
   * limit is lowered the pool is, or it would run into it.
   */
  async applySettings(server: ManagedServer, home: DatabaseHome): Promise<void> {
    const role = await this.roles.find(server, home);
    if (role && home.maxConnections < role.connectionLimit) {
      await this.aliases.ensure(server, home);
      await this.aliases.reconnect(server, home.databaseName);
    }
    await this.logins.applySettings(server, home);
    await this.aliases.reconnect(server, home.databaseName);
  }

  /** LOGIN for a role that has password and timeouts already: all that a home from the stock needs. */
  openLogin(server: ManagedServer, home: DatabaseHome): Promise<void> {
    return this.roles.open(server, home);
  }

  /** Password and LOGIN for a role that has its timeouts already. */
  admit(server: ManagedServer, home: DatabaseHome): Promise<void> {
    return this.roles.admit(server, home);
  }

  /** Password, LOGIN, limit and timeouts, for everybody who may log in to it. */
  enableLogin(server: ManagedServer, home: DatabaseHome): Promise<void> {
    return this.logins.openAll(server, home);
  }

  /** Refuses logins on both ports at once, its further roles' too, and ends the sessions on both. */
  async disableLogin(server: ManagedServer, home: DatabaseHome): Promise<void> {
    const roles = await this.logins.closeAll(server, home);
    await this.aliases.evict(server, home.databaseName);
    await settleAll(roles.map((role) => this.roles.awaitNoSessions(server, role)));
  }

  /** The home's extensions, in its database and in its shadow database. */
  async ensureExtensions(server: ManagedServer, home: DatabaseHome): Promise<void> {
    await this.extensions.ensure(server, home, home.databaseName);
    if (home.shadowDatabaseOid !== null)
      await this.extensions.ensure(server, home, shadowOf(home).databaseName);
  }

  /** The shadow database, with the home's extensions. Returns its OID. */
  async ensureShadow(server: ManagedServer, home: DatabaseHome): Promise<number> {
    const shadow = shadowOf(home);
    const oid = await this.ensureDatabase(server, shadow);
    await this.ensurePrivileges(server, shadow);
    await this.logins.bindOwners(server, home);
    await this.extensions.ensure(server, home, shadow.databaseName);
    return oid;
  }

  dropShadow(server: ManagedServer, home: DatabaseHome): Promise<void> {
    return this.dropDatabase(server, shadowOf(home));
  }

  /** Throws OWNERSHIP_MISMATCH when a database or role of the home's names is another's. Changes nothing. */
  async assertOwned(server: ManagedServer, home: DatabaseHome): Promise<void> {
    await findOwned(server, home);
    await findOwned(server, shadowOf(home));
    await this.roles.find(server, home);
  }

  /**
   * Drops it with everybody who is in it. Absent is fine; another one of that name throws OWNERSHIP_MISMATCH. Throws
   * SERVICE_UNAVAILABLE while a session lives on that was told to end, wherever on the server it is.
   */
  async dropDatabase(server: ManagedServer, home: OwnedDatabase): Promise<void> {
    const found = await findOwned(server, home);
    if (!found) return;
    await this.stuck.assertNone(server);
    const name = DatabaseName.of(home.databaseName);
    await this.aliases.whileKilled(server, home.databaseName, async () => {
      if (found.isTemplate) await server.postgres.execute(clearTemplateFlag(name));
      await server.postgres.executeWithin(DROP_TIMEOUT_MS, dropDatabase(name)).catch(ignoreAbsence);
    });
  }

  /** Everybody's who logged in besides its own role; after the databases. */
  dropFurtherLogins(server: ManagedServer, home: Pick<DatabaseHome, 'username'>): Promise<void> {
    return this.logins.dropAll(server, home);
  }

  /** Absent is fine; another one of that name throws OWNERSHIP_MISMATCH. */
  dropRole(server: ManagedServer, home: Pick<DatabaseHome, 'username' | 'roleOid'>): Promise<void> {
    return this.roles.drop(server, home);
  }
}

function shadowOf({ databaseName, shadowDatabaseOid, username, roleOid }: DatabaseHome): OwnedDatabase {
  return {
    databaseName: DatabaseName.of(databaseName).shadow.value,
    databaseOid: shadowDatabaseOid,
    username,
    roleOid,
  };
}

/** Null when there is none of that name. Throws OWNERSHIP_MISMATCH when there is another one. */
async function findOwned(server: ManagedServer, home: OwnedDatabase): Promise<DatabaseRow | null> {
  const found = await server.postgres.find<DatabaseRow & Record<string, unknown>>(FIND_DATABASE, [
    home.databaseName,
  ]);
  if (!found) return null;
  const isOwn =
    home.databaseOid === null
      ? found.owner === home.username && found.ownerMark === markOf(server)
      : found.oid === home.databaseOid;
  if (!isOwn) throw ownershipMismatch('database', home.databaseName);
  return found;
}

/** The blank database is absent for a moment while it is replaced, and busy while a session in it ends. */
async function copyBlank(server: ManagedServer, { databaseName, username }: OwnedDatabase): Promise<void> {
  const sql = createDatabase(DatabaseName.of(databaseName), RoleName.of(username), BLANK_DATABASE);
  await pollUntil(
    async () => {
      try {
        await server.postgres.execute(sql);
        return true;
      } catch (error) {
        if (sqlState(error) === SQLSTATE.duplicateDatabase) return true;
        if (isTransient(error)) return false;
        throw error;
      }
    },
    { timeoutMs: COPY_PATIENCE_MS, what: 'the blank database to be free to copy' },
  );
}

function isTransient(error: unknown): boolean {
  const state = sqlState(error);
  return state === SQLSTATE.objectInUse || state === SQLSTATE.invalidCatalogName;
}

function ignoreAbsence(error: unknown): void {
  if (sqlState(error) !== SQLSTATE.invalidCatalogName) throw error;
}
