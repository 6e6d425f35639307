import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { afterAll, onTestFinished } from 'vitest';
import { sharedSchema } from '../../src/provisioning/tenancy/hosts/shared-schema.js';
import { connect } from '../support/sql.js';
import { startTestStack } from '../support/stack.js';

const PASSWORD = 'secret-of-this-test';

export type TenantName = `tenant_${string}`;
/** A role around the database by its suffix, its owner (a member of the provisioner), a tenant, or the superuser. */
export type Login = 'dba' | 'provisioner' | 'app' | 'readonly' | 'superuser' | TenantName;
export type Row = Record<string, unknown>;

export interface FileOfTemplate {
  readonly name: string;
  readonly kind: 'schema' | 'seed';
  readonly sql: string;
}

/** A database with the roles around it and the schema `shared`, made by plain SQL as a DBA would. */
export class HostingDatabase {
  constructor(
    readonly name: string,
    private readonly open: (login: Login) => Promise<Client>,
  ) {}

  /** A session that ends with the test. */
  async connect(login: Login): Promise<Client> {
    const client = await this.open(login);
    onTestFinished(() => client.end());
    return client;
  }

  /** The rows of the last statement, run in a session of its own. */
  async query(login: Login, sql: string, params?: unknown[]): Promise<Row[]> {
    const client = await this.open(login);
    try {
      return await rows(client, sql, params);
    } finally {
      await client.end();
    }
  }

  async createRoles(): Promise<void> {
    const role = (suffix: string) => `${this.name}_${suffix}`;
    await this.query(
      'superuser',
      `CREATE ROLE ${role('provisioner')} LOGIN PASSWORD '${PASSWORD}';
       CREATE ROLE ${role('app')} LOGIN NOINHERIT PASSWORD '${PASSWORD}';
       CREATE ROLE ${role('readonly')} LOGIN PASSWORD '${PASSWORD}';
       CREATE ROLE ${role('tenants')};
       CREATE ROLE ${role('dba')} LOGIN PASSWORD '${PASSWORD}' IN ROLE ${role('provisioner')};
       ALTER DATABASE ${this.name} OWNER TO ${role('dba')};
       REVOKE ALL ON DATABASE ${this.name} FROM PUBLIC;
       GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${this.name} TO ${role('provisioner')};
       GRANT CONNECT, TEMPORARY ON DATABASE ${this.name} TO ${role('tenants')};
       GRANT CONNECT ON DATABASE ${this.name} TO ${role('app')}, ${role('readonly')}`,
    );
  }

  async installShared(): Promise<void> {
    await this.query('provisioner', (await sharedSchema()).sql);
  }

  /** The login of a tenant, bound to the schema of its name. */
  async createTenantRole(name: TenantName): Promise<void> {
    await this.query(
      'superuser',
      `CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}' IN ROLE ${this.name}_tenants;
       GRANT ${name} TO ${this.name}_app;
       ALTER ROLE ${name} IN DATABASE ${this.name} SET search_path = ${name}, shared`,
    );
  }

  /** As the DBA does it by hand: the login, then all the rest by one call. Returns the tenant's name. */
  async createTenant(): Promise<TenantName> {
    const name = nextTenantName();
    await this.createTenantRole(name);
    await this.query('dba', 'SELECT shared.provision_tenant_schema($1, $2)', [randomUUID(), name]);
    return name;
  }

  /** Each element of `versions` is one version's files. */
  async addTemplate(id: string, name: string, versions: readonly FileOfTemplate[][]): Promise<void> {
    for (const [index, files] of versions.entries()) {
      const version = index + 1;
      const checksum = `checksum ${version}`;
      await this.query('provisioner', 'INSERT INTO shared.template_versions VALUES ($1, $2, $3)', [
        ...[id, version, checksum],
      ]);
      await this.query(
        'provisioner',
        `INSERT INTO shared.template_files
         SELECT $1, $2, $3, f.position, f.file ->> 'name', f.file ->> 'kind', f.file ->> 'sql'
         FROM jsonb_array_elements($4) WITH ORDINALITY AS f (file, position)`,
        [id, name, version, JSON.stringify(files)],
      );
    }
  }
}

let tenants = 0;

/** Names of roles belong to the whole server. */
export function nextTenantName(): TenantName {
  tenants += 1;
  return `tenant_${String(tenants).padStart(4, '0')}`;
}

export async function rows(client: Client, sql: string, params?: unknown[]): Promise<Row[]> {
  const result: unknown = await client.query(sql, params);
  return (Array.isArray(result) ? result.at(-1) : result).rows;
}

/** PostgreSQL for the tests of one file; returns what makes hosting databases on it. */
export async function startHosting(): Promise<() => Promise<HostingDatabase>> {
  const stack = await startTestStack({ withRedis: false });
  afterAll(() => stack.stop());
  const { DB_HOST, DB_PORT, PG_ADMIN_USER, PG_ADMIN_PASSWORD } = stack.env;
  const server = `postgresql://${PG_ADMIN_USER}:${PG_ADMIN_PASSWORD}@${DB_HOST}:${DB_PORT}/postgres`;
  const superuser = await connect(server);
  afterAll(() => superuser.end());
  let made = 0;
  return async () => {
    made += 1;
    const name = `host_${made}`;
    await superuser.query(`CREATE DATABASE ${name}`);
    const host = new HostingDatabase(name, (login) => {
      if (login === 'superuser') return connect(server, { database: name });
      const user = login.startsWith('tenant_') ? login : `${name}_${login}`;
      return connect(server, { database: name, user, password: PASSWORD });
    });
    await host.createRoles();
    await host.installShared();
    return host;
  };
}
