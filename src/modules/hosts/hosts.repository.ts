import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { IS_OPEN, ROOM } from '../../provisioning/tenancy/hosts/host-room.js';
import type { DatabaseStatus } from '../databases/database-status.js';

export type HostStatus = 'preparing' | 'ready' | 'failed';
export type HostRole = 'app' | 'readonly';

export interface Host {
  readonly id: string;
  readonly databaseId: string;
  readonly databaseName: string;
  readonly databaseStatus: DatabaseStatus;
  /** The role that owns the database. */
  readonly ownerRole: string;
  readonly serverId: string;
  readonly groupId: string | null;
  readonly groupName: string | null;
  readonly status: HostStatus;
  readonly maxTenants: number;
  readonly maxConnections: number;
  /** Who may reach the database. */
  readonly externalAccess: boolean | null;
  readonly whitelistSize: number;
  readonly tenants: number;
  /** How many more tenants may be placed there; schemas in stock have their places. */
  readonly room: number;
  readonly appVerifier: string;
  readonly appCiphertext: string | null;
  readonly readonlyVerifier: string;
  readonly readonlyCiphertext: string | null;
  readonly createdAt: Date;
}

export interface NewHost {
  readonly id: string;
  readonly databaseId: string;
  readonly groupId: string | null;
  readonly maxTenants: number;
  readonly app: HostSecret;
  readonly readonly: HostSecret;
}

export interface HostSecret {
  readonly verifier: string;
  readonly ciphertext: string | null;
}

const SELECT = `
  SELECT h.id, h.database_id AS "databaseId", d.database_name AS "databaseName", d.status AS "databaseStatus",
         d.username AS "ownerRole", d.server_id AS "serverId", h.group_id AS "groupId", g.name AS "groupName", h.status,
         h.max_tenants AS "maxTenants", d.max_connections AS "maxConnections",
         d.external_access AS "externalAccess", d.whitelist_size AS "whitelistSize",
         (SELECT count(*)::integer FROM tenants t WHERE t.database_id = h.database_id) AS tenants,
         ${ROOM} AS room, h.app_verifier AS "appVerifier", h.app_ciphertext AS "appCiphertext",
         h.readonly_verifier AS "readonlyVerifier", h.readonly_ciphertext AS "readonlyCiphertext",
         h.created_at AS "createdAt"
  FROM hosts h JOIN databases d ON d.id = h.database_id LEFT JOIN host_groups g ON g.id = h.group_id`;

const INSERT = `
  INSERT INTO hosts (id, database_id, group_id, status, max_tenants, app_verifier, app_ciphertext, readonly_verifier,
    readonly_ciphertext)
  VALUES ($1, $2, $3, 'preparing', $4, $5, $6, $7, $8)`;

/** The host with the most room, before others one with the template's extensions; locked, so that two placements count one after the other. */
const FIND_ROOMIEST = `
  SELECT h.database_id AS id
  FROM hosts h JOIN databases d ON d.id = h.database_id
  WHERE h.group_id = $1 AND ${ROOM} > 0
  ORDER BY coalesce(d.extensions @> (
    SELECT v.extensions FROM template_versions v JOIN templates t ON t.id = v.template_id AND t.latest_version = v.number
    WHERE t.id = $2), true) DESC, ${ROOM} DESC, h.created_at
  LIMIT 1 FOR UPDATE OF h`;

/** With stock in it that a tenant may have the place of. */
const FIND_STOCKED = `
  SELECT h.database_id AS id
  FROM hosts h JOIN databases d ON d.id = h.database_id
  WHERE h.group_id = $1 AND ${IS_OPEN} AND EXISTS (
    SELECT FROM warm_schemas w WHERE w.database_id = h.database_id AND w.state <> 'retired')
    AND h.max_tenants > (SELECT count(*) FROM tenants t WHERE t.database_id = h.database_id)
  ORDER BY h.created_at LIMIT 1`;

const SET_SECRET: Readonly<Record<HostRole, string>> = {
  app: 'UPDATE hosts SET app_verifier = $2, app_ciphertext = $3, updated_at = now() WHERE id = $1',
  readonly:
    'UPDATE hosts SET readonly_verifier = $2, readonly_ciphertext = $3, updated_at = now() WHERE id = $1',
};

@Injectable()
export class HostsRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(id: string): Promise<Host | null> {
    const [host]: Host[] = await this.dataSource.query(`${SELECT} WHERE h.id = $1`, [id]);
    return host ?? null;
  }

  async findByDatabase(
    databaseId: string,
    tx: Pick<EntityManager, 'query'> = this.dataSource,
  ): Promise<Host | null> {
    const [host]: Host[] = await tx.query(`${SELECT} WHERE h.database_id = $1`, [databaseId]);
    return host ?? null;
  }

  listByGroup(tx: EntityManager, groupId: string): Promise<Host[]> {
    return tx.query(`${SELECT} WHERE h.group_id = $1 ORDER BY h.created_at`, [groupId]);
  }

  /** Locks the row until the transaction ends. */
  async lock(tx: EntityManager, databaseId: string): Promise<Host | null> {
    await tx.query('SELECT FROM hosts WHERE database_id = $1 FOR UPDATE', [databaseId]);
    return this.findByDatabase(databaseId, tx);
  }

  /**
   * The group's host with the most room for the template, locked; null when none has any. Whoever waited for the lock counts again: the
   * room may be gone to the one that was waited for.
   */
  async lockRoomiest(tx: EntityManager, groupId: string, templateId: string | null): Promise<Host | null> {
    for (;;) {
      const [row]: { id: string }[] = await tx.query(FIND_ROOMIEST, [groupId, templateId]);
      if (!row) return null;
      const host = await this.findByDatabase(row.id, tx);
      if (host && host.room > 0) return host;
    }
  }

  /** A group's open host whose last places stock has; null when there is none. */
  async findStocked(tx: EntityManager, groupId: string): Promise<string | null> {
    const [row]: { id: string }[] = await tx.query(FIND_STOCKED, [groupId]);
    return row?.id ?? null;
  }

  async insert(tx: EntityManager, host: NewHost): Promise<void> {
    const { id, databaseId, groupId, maxTenants, app, readonly } = host;
    await tx.query(INSERT, [
      id,
      databaseId,
      groupId,
      maxTenants,
      app.verifier,
      app.ciphertext,
      readonly.verifier,
      readonly.ciphertext,
    ]);
  }

  async setStatus(tx: EntityManager, id: string, status: HostStatus): Promise<void> {
    await tx.query('UPDATE hosts SET status = $2, updated_at = now() WHERE id = $1', [id, status]);
  }

  async setMaxTenants(tx: EntityManager, id: string, maxTenants: number): Promise<void> {
    await tx.query('UPDATE hosts SET max_tenants = $2, updated_at = now() WHERE id = $1', [id, maxTenants]);
  }

  async setSecret(tx: EntityManager, id: string, role: HostRole, secret: HostSecret): Promise<void> {
    await tx.query(SET_SECRET[role], [id, secret.verifier, secret.ciphertext]);
  }

  async delete(tx: EntityManager, id: string): Promise<void> {
    await tx.query('DELETE FROM hosts WHERE id = $1', [id]);
  }
}
