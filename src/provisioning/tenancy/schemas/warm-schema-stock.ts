import type { DataSource, EntityManager } from 'typeorm';
import { IS_OPEN, ROOM } from '../hosts/host-room.js';

export interface WarmSchema {
  readonly id: string;
  readonly databaseId: string;
  readonly databaseName: string;
  readonly templateId: string;
  readonly templateVersion: number;
  readonly schemaName: string;
  readonly schemaOid: number | null;
  readonly username: string;
  readonly roleOid: number | null;
  readonly scramVerifier: string;
  readonly passwordCiphertext: string | null;
}

/** A template in use in a host, with what is in stock of its newest version. */
export interface StockPlace {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly templateId: string;
  readonly version: number;
  readonly ready: number;
  /** Tenants of the template that the whole server got in the last minute. */
  readonly demand: number;
  /** How many more schemas the host may have, stock included. */
  readonly room: number;
}

const COLUMNS = `w.id, w.database_id AS "databaseId", d.database_name AS "databaseName", w.template_id AS "templateId",
  w.template_version AS "templateVersion", w.schema_name AS "schemaName", w.schema_oid AS "schemaOid", w.username,
  w.role_oid AS "roleOid", w.scram_verifier AS "scramVerifier", w.password_ciphertext AS "passwordCiphertext"`;

const CLAIM = `
  DELETE FROM warm_schemas w USING databases d
  WHERE d.id = w.database_id AND w.id = (
    SELECT s.id
    FROM warm_schemas s JOIN hosts h ON h.database_id = s.database_id JOIN databases d ON d.id = h.database_id
    WHERE s.template_id = $1 AND s.state = 'ready' AND ${IS_OPEN}
      AND s.template_version = (SELECT t.latest_version FROM templates t WHERE t.id = $1)
      AND ($2::uuid IS NULL OR s.database_id = $2) AND ($3::uuid IS NULL OR h.group_id = $3)
    ORDER BY s.created_at LIMIT 1 FOR UPDATE OF s SKIP LOCKED
  ) RETURNING ${COLUMNS}`;

/** One host for each template: the one with the most room that has tenants of it. */
const PLACES = `
  WITH used AS (
    SELECT t.database_id, t.template_id FROM tenants t
    WHERE t.server_id = $1 AND t.isolation = 'schema' AND t.template_id IS NOT NULL AND t.status <> 'deleting'
    GROUP BY 1, 2
  ), rooms AS (
    SELECT h.database_id, ${ROOM} AS room FROM hosts h JOIN databases d ON d.id = h.database_id
    WHERE d.server_id = $1
  )
  SELECT DISTINCT ON (u.template_id)
         u.database_id AS "databaseId", d.database_name AS "databaseName", u.template_id AS "templateId",
         p.latest_version AS version, r.room,
         (SELECT count(*)::integer
          FROM warm_schemas w JOIN hosts h ON h.database_id = w.database_id JOIN databases d ON d.id = h.database_id
          WHERE ${IS_OPEN} AND w.template_id = u.template_id AND w.state = 'ready' AND w.template_version = p.latest_version) AS ready,
         (SELECT count(*)::integer FROM tenants t
          WHERE t.template_id = u.template_id AND t.created_at > now() - interval '1 minute') AS demand
  FROM used u JOIN rooms r ON r.database_id = u.database_id
  JOIN databases d ON d.id = u.database_id
  JOIN templates p ON p.id = u.template_id AND p.status = 'active'
  WHERE r.room > 0
  ORDER BY u.template_id, r.room DESC`;

const RETIRE_OLD = `
  UPDATE warm_schemas w SET state = 'retired' FROM templates t
  WHERE w.server_id = $1 AND t.id = w.template_id AND w.state <> 'retired'
    AND (t.status <> 'active' OR t.latest_version <> w.template_version)`;

const FIND = `
  SELECT ${COLUMNS} FROM warm_schemas w JOIN databases d ON d.id = w.database_id
  WHERE w.server_id = $1 AND w.state = $2 AND d.status = 'active' ORDER BY w.created_at LIMIT 1`;

const ADD = `
  INSERT INTO warm_schemas (id, server_id, database_id, template_id, template_version, schema_name, username,
    scram_verifier, password_ciphertext, state)
  VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, 'building')`;

/** A tenant goes before stock: one that nobody has claimed makes way. */
const GIVE_WAY = `
  UPDATE warm_schemas SET state = 'retired' WHERE id = (
    SELECT id FROM warm_schemas WHERE database_id = $1 AND state <> 'retired'
    ORDER BY created_at DESC LIMIT 1 FOR UPDATE SKIP LOCKED)`;

/** Takes the oldest finished schema of the template's newest version, in one open host, in a group's, or anywhere. */
export async function claimSchema(
  tx: EntityManager,
  templateId: string,
  { databaseId, groupId }: { databaseId: string | null; groupId: string | null },
): Promise<WarmSchema | null> {
  const [rows]: [WarmSchema[], number] = await tx.query(CLAIM, [templateId, databaseId, groupId]);
  return rows[0] ?? null;
}

/** Gives the place of one schema in stock to a tenant. */
export async function giveWay(tx: EntityManager, databaseId: string): Promise<void> {
  await tx.query(GIVE_WAY, [databaseId]);
}

export function findPlaces(dataSource: DataSource, serverId: string): Promise<StockPlace[]> {
  return dataSource.query(PLACES, [serverId]);
}

export async function retireOldVersions(dataSource: DataSource, serverId: string): Promise<void> {
  await dataSource.query(RETIRE_OLD, [serverId]);
}

/** In a database that is active. With the builder lock held, every row in building is one that a builder left behind. */
export async function findWarmSchema(
  dataSource: DataSource,
  serverId: string,
  state: 'building' | 'retired',
): Promise<WarmSchema | null> {
  const [row]: WarmSchema[] = await dataSource.query(FIND, [serverId, state]);
  return row ?? null;
}

export async function addWarmSchema(
  dataSource: DataSource,
  serverId: string,
  row: Omit<WarmSchema, 'databaseName' | 'username' | 'schemaOid' | 'roleOid'>,
): Promise<void> {
  await dataSource.query(ADD, [
    row.id,
    serverId,
    row.databaseId,
    row.templateId,
    row.templateVersion,
    row.schemaName,
    row.scramVerifier,
    row.passwordCiphertext,
  ]);
}

export async function recordWarmOids(
  dataSource: DataSource,
  id: string,
  { roleOid, schemaOid }: { roleOid: number; schemaOid: number },
): Promise<void> {
  await dataSource.query('UPDATE warm_schemas SET role_oid = $2, schema_oid = $3 WHERE id = $1', [
    id,
    roleOid,
    schemaOid,
  ]);
}

/** One that was retired meanwhile stays retired. */
export async function finishWarmSchema(dataSource: DataSource, id: string): Promise<void> {
  await dataSource.query(`UPDATE warm_schemas SET state = 'ready' WHERE id = $1 AND state = 'building'`, [
    id,
  ]);
}

export async function retireWarmSchema(dataSource: DataSource, id: string): Promise<void> {
  await dataSource.query(`UPDATE warm_schemas SET state = 'retired' WHERE id = $1`, [id]);
}

export async function removeWarmSchema(dataSource: DataSource, id: string): Promise<void> {
  await dataSource.query('DELETE FROM warm_schemas WHERE id = $1', [id]);
}

/** The next `tenant_0001`. */
export async function nextSchemaName(tx: Pick<EntityManager, 'query'>): Promise<string> {
  const [row]: { number: string }[] = await tx.query(`SELECT nextval('tenant_numbers') AS number`);
  if (!row) throw new Error('the sequence of tenant numbers gave none');
  return `tenant_${row.number.padStart(4, '0')}`;
}
