import { createHash, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type {
  OnlineStatement,
  TemplateFile,
} from '../../src/provisioning/tenancy/templates/template-store.js';
import type { RequestOptions } from './api.js';
import { mapParallel } from './parallel.js';
import { Session } from './session.js';
import { createHost, createTenant, type NewTenant } from './tenancy.js';
import type { World } from './world.js';

/** What a test reads of a migration's answer; the contract judges the rest. */
export interface Migration {
  id: string;
  state: string;
  version: number;
  ring: number | null;
  totals: { tenants: number; pending: number; succeeded: number; failed: number; skipped: number };
  error: { code: string; message: string } | null;
  report: { from_version: number; tenants: number; state: string; error: { line: number } | null }[] | null;
}

export interface MigrationTenant {
  tenant_id: string;
  slug: string;
  ring: number;
  position: number;
  state: string;
  attempts: number;
  error: {
    sqlstate: string | null;
    message: string;
    version: number;
    file: string | null;
    line: number | null;
  } | null;
}

const FIRST_VERSION = `CREATE TABLE products (id int PRIMARY KEY, sku text);
  CREATE TABLE settings (key text PRIMARY KEY, value text NOT NULL)`;

/** A template of two tables, the databases that host its tenants, and the tenants. */
export class Fleet {
  version = 0;
  tenants: NewTenant[] = [];
  private readonly sessions = new Map<string, Session>();

  private constructor(
    readonly world: World,
    readonly templateId: string,
    readonly databases: readonly string[],
  ) {}

  /** `counts`: how many tenants each hosting database has. */
  static async create(world: World, counts: readonly number[]): Promise<Fleet> {
    const templateId = randomUUID();
    await world.control.query(`INSERT INTO templates (id, name, status) VALUES ($1, $2, 'active')`, [
      templateId,
      `template ${templateId}`,
    ]);
    const hosts = await mapParallel(counts, 2, () => createHost(world));
    const names = hosts.map(({ database }) => database.database_name);
    const fleet = new Fleet(world, templateId, names);
    await fleet.addVersion(FIRST_VERSION);
    for (const [at, { database }] of hosts.entries())
      await fleet.addTenants(counts[at] ?? 0, { databaseId: database.id });
    return fleet;
  }

  get templateName(): string {
    return `template ${this.templateId}`;
  }

  get api() {
    return this.world.api;
  }

  /** They stand in `tenants` in the order in which a migration takes them. */
  async addTenants(count: number, fields: object = {}): Promise<void> {
    const body = { templateId: this.templateId, ...fields };
    const made = await mapParallel(Array.from({ length: count }), 4, () => createTenant(this.world, body));
    const order = await this.world.control.query<{ id: string }>(
      'SELECT id FROM tenants WHERE template_id = $1 ORDER BY created_at, id',
      [this.templateId],
    );
    const known = new Map([...this.tenants, ...made].map((tenant) => [tenant.id, tenant]));
    this.tenants = order.flatMap(({ id }) => known.get(id) ?? []);
  }

  tenant(at: number): NewTenant {
    const tenant = this.tenants[at];
    if (!tenant) throw new RangeError(`the fleet has ${this.tenants.length} tenants`);
    return tenant;
  }

  /** The next version, in one transaction. Straight in the control database, which takes what only some tenants can bear. */
  addVersion(sql: string): Promise<number> {
    return this.insertVersion([{ name: '001.sql', kind: 'schema', sql }], []);
  }

  /** The next version, statement by statement. */
  addOnlineVersion(statements: readonly OnlineStatement[]): Promise<number> {
    const sql = statements.map((statement) => `${statement.sql};`).join('\n');
    return this.insertVersion([{ name: '001.sql', kind: 'schema', sql }], statements);
  }

  /** Takes the newest version back, which no tenant has. */
  async removeVersion(): Promise<void> {
    const newest = [this.templateId, this.version];
    await this.world.control.query('DELETE FROM migrations WHERE template_id = $1 AND version = $2', newest);
    await this.world.control.query(
      'DELETE FROM template_versions WHERE template_id = $1 AND number = $2',
      newest,
    );
    this.version -= 1;
    await this.world.control.query('UPDATE templates SET latest_version = $2 WHERE id = $1', [
      this.templateId,
      this.version,
    ]);
  }

  /** Begins a migration to the newest version and waits until it rests. */
  async migrate(fields: object = {}, options?: RequestOptions): Promise<Migration> {
    const body = { templateId: this.templateId, ...fields };
    const answer = await this.api.post<Migration>('/api/migrations', body, { prefer: 'wait=60', ...options });
    return answer.expect(201).data;
  }

  /** The same without waiting; returns its id. */
  async begin(fields: object = {}): Promise<string> {
    const body = { templateId: this.templateId, ...fields };
    const options = { prefer: 'respond-async' };
    const answer = await this.api.post<{ subject_id: string }>('/api/migrations', body, options);
    return answer.expect(202).data.subject_id;
  }

  async get(id: string): Promise<Migration> {
    return (await this.api.get<Migration>(`/api/migrations/${id}`)).expect(200).data;
  }

  async command(id: string, verb: string): Promise<Migration> {
    const path = `/api/migrations/${id}/${verb}`;
    return (await this.api.post<Migration>(path, undefined, { prefer: 'wait=60' })).expect(200).data;
  }

  async results(id: string, state = ''): Promise<MigrationTenant[]> {
    const query = state && `&state=${state}`;
    const path = `/api/migrations/${id}/tenants?limit=200${query}`;
    return (await this.api.get<MigrationTenant[]>(path)).expect(200).data;
  }

  /** Rows of one statement, as superuser in a hosting database. */
  query<Row extends Record<string, unknown>>(
    database: string,
    sql: string,
    params?: unknown[],
  ): Promise<Row[]> {
    const { host, port, adminUser, adminPassword } = this.world.config.server;
    const known = this.sessions.get(database);
    const session = known ?? new Session({ host, port, user: adminUser, password: adminPassword, database });
    this.sessions.set(database, session);
    return session.query<Row>(sql, params);
  }

  /** The same in the schema of a tenant. */
  inTenant<Row extends Record<string, unknown>>(tenant: NewTenant, sql: string): Promise<Row[]> {
    return this.query<Row>(tenant.database_name, sql.replaceAll('$schema', tenant.schema_name));
  }

  /** How many of the fleet's schemas have each version, by the hosting databases' own ledgers. */
  async ledger(): Promise<Record<number, number>> {
    const counts: Record<number, number> = {};
    for (const database of new Set(this.tenants.map(({ database_name }) => database_name))) {
      const rows = await this.query<{ version: number; count: number }>(
        database,
        `SELECT version, count(*)::int AS count FROM shared.schema_versions
         WHERE template_id = $1 AND state = 'applied' GROUP BY version`,
        [this.templateId],
      );
      for (const { version, count } of rows) counts[version] = (counts[version] ?? 0) + count;
    }
    return counts;
  }

  /** Each version stands in each tenant's ledger, and in the control database as the tenant's. */
  async expectAllAt(version: number): Promise<void> {
    const count = this.tenants.length;
    const expected = Array.from({ length: version }, (_, at) => [String(at + 1), count]);
    expect(Object.entries(await this.ledger())).toEqual(expected);
    const rows = await this.world.control.query(
      'SELECT template_version AS version, count(*)::int AS count FROM tenants WHERE template_id = $1 GROUP BY 1',
      [this.templateId],
    );
    expect(rows).toEqual([{ version, count }]);
  }

  async end(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.end()));
  }

  private async insertVersion(
    files: readonly TemplateFile[],
    statements: readonly OnlineStatement[],
  ): Promise<number> {
    this.version += 1;
    const fresh = files.map((file) => ({ ...file, sql: file.sql.replaceAll(' CONCURRENTLY', '') }));
    const checksum = createHash('sha256').update(JSON.stringify(files)).digest('hex');
    await this.world.control.query(
      `WITH version AS (
         INSERT INTO template_versions (template_id, number, checksum, transactional, files, fresh_files, statements, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'test') RETURNING number)
       UPDATE templates SET latest_version = version.number FROM version WHERE id = $1`,
      [
        this.templateId,
        this.version,
        checksum,
        statements.length === 0,
        JSON.stringify(files),
        JSON.stringify(fresh),
        JSON.stringify(statements),
      ],
    );
    return this.version;
  }
}
