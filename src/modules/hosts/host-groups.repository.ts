import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Cursor } from '../../http/pagination.js';

export interface HostGroup {
  readonly id: string;
  readonly name: string;
  readonly ownerEmail: string;
  readonly tenantsPerDatabase: number;
  readonly maxDatabases: number | null;
  readonly maxConnections: number;
  readonly databases: number;
  readonly tenants: number;
  readonly createdAt: Date;
}

export type HostGroupFields = Pick<
  HostGroup,
  'name' | 'ownerEmail' | 'tenantsPerDatabase' | 'maxDatabases' | 'maxConnections'
>;

const SELECT = `
  SELECT g.id, g.name, g.owner_email AS "ownerEmail", g.tenants_per_database AS "tenantsPerDatabase",
         g.max_databases AS "maxDatabases", g.max_connections AS "maxConnections", g.created_at AS "createdAt",
         (SELECT count(*)::integer FROM hosts h WHERE h.group_id = g.id) AS databases,
         (SELECT count(*)::integer FROM tenants t JOIN hosts h ON h.database_id = t.database_id
          WHERE h.group_id = g.id) AS tenants
  FROM host_groups g`;

const INSERT = `
  INSERT INTO host_groups (id, name, owner_email, tenants_per_database, max_databases, max_connections)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING RETURNING id`;

const UPDATE = `
  UPDATE host_groups SET name = $2, owner_email = $3, tenants_per_database = $4, max_databases = $5,
    max_connections = $6, updated_at = now() WHERE id = $1`;

@Injectable()
export class HostGroupsRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(id: string, tx: Pick<EntityManager, 'query'> = this.dataSource): Promise<HostGroup | null> {
    const [group]: HostGroup[] = await tx.query(`${SELECT} WHERE g.id = $1`, [id]);
    return group ?? null;
  }

  async findId(name: string): Promise<string | null> {
    const [row]: { id: string }[] = await this.dataSource.query(
      'SELECT id FROM host_groups WHERE name = $1',
      [name],
    );
    return row?.id ?? null;
  }

  /** Up to `limit + 1` rows, newest first. */
  list(limit: number, after: Cursor | null): Promise<HostGroup[]> {
    return this.dataSource.query(
      `${SELECT} WHERE $1::timestamptz IS NULL OR (g.created_at, g.id) < ($1, $2::uuid)
       ORDER BY g.created_at DESC, g.id DESC LIMIT $3`,
      [after?.createdAt ?? null, after?.id ?? null, limit + 1],
    );
  }

  /** Waits for whoever decides about the group's hosts. */
  async lock(tx: EntityManager, id: string): Promise<HostGroup | null> {
    await tx.query('SELECT FROM host_groups WHERE id = $1 FOR UPDATE', [id]);
    return this.find(id, tx);
  }

  /** False when the name is taken. */
  async insert(tx: Pick<EntityManager, 'query'>, id: string, fields: HostGroupFields): Promise<boolean> {
    const rows: unknown[] = await tx.query(INSERT, [id, ...valuesOf(fields)]);
    return rows.length === 1;
  }

  async update(tx: EntityManager, id: string, fields: HostGroupFields): Promise<void> {
    await tx.query(UPDATE, [id, ...valuesOf(fields)]);
  }

  async delete(tx: EntityManager, id: string): Promise<void> {
    await tx.query('DELETE FROM host_groups WHERE id = $1', [id]);
  }
}

function valuesOf(fields: HostGroupFields): unknown[] {
  const { name, ownerEmail, tenantsPerDatabase, maxDatabases, maxConnections } = fields;
  return [name, ownerEmail, tenantsPerDatabase, maxDatabases, maxConnections];
}
