import { Injectable } from '@nestjs/common';
import {
  admitRole,
  alterRoleSettings,
  createRole,
  disableLogin,
  disentangleRole,
  dropOwned,
  dropRole,
  END_SESSIONS,
  enableLogin,
  FIND_ENTANGLEMENTS,
  FIND_ROLE,
  findRoleOid,
  openRole,
  prepareRole,
  type RoleRow,
  type RoleSettings,
} from '../infra/postgres/role-sql.js';
import { SQLSTATE, sqlState } from '../infra/postgres/sqlstate.js';
import { RoleName } from '../kernel/identifiers.js';
import type { DatabaseHome } from './database-home.js';
import type { ManagedServer } from './managed-server.js';
import { markOf, ownershipMismatch } from './marks.js';
import { SessionEnd } from './session-end.js';

/** A role by its name, and by its OID once that is recorded. */
export type Role = Pick<DatabaseHome, 'username' | 'roleOid'>;
type RoleWithPassword = Pick<DatabaseHome, 'username' | 'scramVerifier'> & RoleSettings;

/** The login roles of homes. */
@Injectable()
export class RoleProvisioner {
  constructor(private readonly sessionEnd: SessionEnd) {}

  /** The role, which cannot log in, with `grants`: statements that may run again. Returns its OID. */
  async ensure(server: ManagedServer, home: Role, grants = ''): Promise<number> {
    const found = await findOwned(server, home);
    const made = found ? null : await create(server, home.username, grants);
    if (made !== null) return made;
    const { oid } = found ?? (await getMarked(server, home.username));
    if (grants !== '') await server.postgres.execute(grants);
    return oid;
  }

  /** The same for a home that is being made: acts first and looks second. */
  async make(server: ManagedServer, home: Role, grants = ''): Promise<number> {
    const made = home.roleOid === null ? await create(server, home.username, grants) : null;
    return made ?? this.ensure(server, home, grants);
  }

  applySettings(server: ManagedServer, home: Pick<DatabaseHome, 'username'> & RoleSettings): Promise<void> {
    return server.postgres.execute(alterRoleSettings(RoleName.of(home.username), home));
  }

  /** Null when there is none. */
  find(server: ManagedServer, home: Role): Promise<RoleRow | null> {
    return findOwned(server, home);
  }

  enableLogin(server: ManagedServer, home: RoleWithPassword): Promise<void> {
    return server.postgres.execute(enableLogin(RoleName.of(home.username), home.scramVerifier, home));
  }

  prepare(server: ManagedServer, home: RoleWithPassword): Promise<void> {
    return server.postgres.execute(prepareRole(RoleName.of(home.username), home.scramVerifier, home));
  }

  open(server: ManagedServer, home: DatabaseHome): Promise<void> {
    return server.postgres.execute(openRole(RoleName.of(home.username), home));
  }

  admit(server: ManagedServer, home: DatabaseHome): Promise<void> {
    return server.postgres.execute(admitRole(RoleName.of(home.username), home.scramVerifier, home));
  }

  /** Returns the role, or null when there is none. */
  async disableLogin(server: ManagedServer, home: Role): Promise<RoleRow | null> {
    const found = await findOwned(server, home);
    if (found?.canLogin) await server.postgres.execute(disableLogin(RoleName.of(home.username)));
    return found;
  }

  /** Ends all sessions of a role that cannot log in any more. */
  awaitNoSessions(server: ManagedServer, role: RoleRow): Promise<void> {
    return this.sessionEnd.await(server, {
      sql: END_SESSIONS,
      parameters: [role.oid, null],
      what: `the sessions of ${role.name} to end`,
    });
  }

  /** Ends the sessions that began before now. */
  async endSessions(server: ManagedServer, home: Role): Promise<void> {
    const role = await findOwned(server, home);
    if (!role) return;
    const [clock] = await server.postgres.query<{ now: string }>(
      'SELECT pg_catalog.clock_timestamp()::text AS now',
    );
    await this.sessionEnd.await(server, {
      sql: END_SESSIONS,
      parameters: [role.oid, clock?.now],
      what: `the sessions of ${role.name} to end`,
      looks: 1,
    });
  }

  async drop(server: ManagedServer, home: Role): Promise<void> {
    const found = await findOwned(server, home);
    if (!found) return;
    await dropEntangled(server, found);
  }
}

/** Drops a role, whatever it was granted, and by whomever. Absent is fine. */
export async function dropEntangled(
  server: ManagedServer,
  found: Pick<RoleRow, 'name' | 'oid'>,
): Promise<void> {
  const role = RoleName.of(found.name);
  try {
    await server.postgres.execute(dropRole(role));
  } catch (error) {
    if (sqlState(error) === SQLSTATE.undefinedObject) return;
    if (sqlState(error) !== SQLSTATE.dependentObjectsStillExist) throw error;
    await disentangle(server, found);
    await server.postgres.execute(dropRole(role));
  }
}

/** Null when there is none of that name. Throws OWNERSHIP_MISMATCH when there is another one. */
async function findOwned(server: ManagedServer, { username, roleOid }: Role): Promise<RoleRow | null> {
  const found = await server.postgres.find<RoleRow & Record<string, unknown>>(FIND_ROLE, [username]);
  if (!found) return null;
  const isOwn = roleOid === null ? found.mark === markOf(server) : found.oid === roleOid;
  if (!isOwn) throw ownershipMismatch('role', username);
  return found;
}

/** Null when there is one of that name. */
async function create(server: ManagedServer, username: string, grants: string): Promise<number | null> {
  const role = RoleName.of(username);
  const sql = `${createRole(role, markOf(server))}; ${grants}; ${findRoleOid(role)}`;
  const rows = await server.postgres.executeFor<{ oid: number }>(sql).catch(emptyIfDuplicate);
  return rows[0]?.oid ?? null;
}

/** The one that an earlier attempt made. */
async function getMarked(server: ManagedServer, username: string): Promise<RoleRow> {
  const found = await findOwned(server, { username, roleOid: null });
  if (!found) throw new Error(`the role ${username} vanished while it was made`);
  return found;
}

function emptyIfDuplicate(error: unknown): [] {
  const state = sqlState(error);
  if (state !== SQLSTATE.duplicateObject && state !== SQLSTATE.uniqueViolation) throw error;
  return [];
}

/**
 * Any tenant may grant something in its database to any role, which then cannot be dropped. What the role owns there
 * goes to the owner of that database: Rowhouse drops nothing in it.
 */
async function disentangle({ postgres }: ManagedServer, role: Pick<RoleRow, 'name' | 'oid'>): Promise<void> {
  const name = RoleName.of(role.name);
  const places = await postgres.query<{ database: string; owner: string }>(FIND_ENTANGLEMENTS, [role.oid]);
  for (const { database, owner } of places) {
    await postgres.inDatabase(database, (client) =>
      postgres.unhindered(client, () => client.query(disentangleRole(name, owner))),
    );
  }
  await postgres.execute(dropOwned(name));
}
