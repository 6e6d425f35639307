import { Injectable } from '@nestjs/common';
import { DatabaseError } from 'pg';
import {
  createTrustedExtension,
  createUntrustedExtension,
  FIND_EXTENSIONS,
  FIND_INSTALLED_EXTENSIONS,
} from '../infra/postgres/extension-sql.js';
import { SQLSTATE } from '../infra/postgres/sqlstate.js';
import { invalidField, RowhouseError } from '../kernel/errors.js';
import { RoleName } from '../kernel/identifiers.js';
import type { DatabaseHome } from './database-home.js';
import type { ManagedServer } from './managed-server.js';

export const ALLOWED_EXTENSIONS = [
  'btree_gist',
  'citext',
  'hstore',
  'pg_trgm',
  'pgcrypto',
  'postgis',
  'uuid-ossp',
  'vector',
] as const;

interface AvailableExtension extends Record<string, unknown> {
  readonly name: string;
  readonly isTrusted: boolean;
}

/** The extensions that a home may have. */
@Injectable()
export class Extensions {
  /** Those of the allow-list that the server has. */
  async available(server: ManagedServer): Promise<string[]> {
    const rows = await findAvailable(server, ALLOWED_EXTENSIONS);
    return rows.map((row) => row.name);
  }

  /** Those of the allow-list that a database has. */
  installed(server: ManagedServer, databaseName: string): Promise<string[]> {
    return server.postgres.inDatabase(databaseName, async (client) => {
      const { rows } = await client.query<{ name: string }>(FIND_INSTALLED_EXTENSIONS);
      const names = new Set(rows.map(({ name }) => name));
      return ALLOWED_EXTENSIONS.filter((name) => names.has(name));
    });
  }

  /** Throws VALIDATION_FAILED on the field `extensions`. */
  async assertAvailable(server: ManagedServer, names: readonly string[]): Promise<void> {
    const available = await this.available(server);
    const missing = names.filter((name) => !available.includes(name));
    if (missing.length === 0) return;
    throw invalidField('extensions', `has ${missing.join(', ')}; this server offers ${available.join(', ')}`);
  }

  /**
   * Installs what `database` lacks of the home's extensions: a trusted one as the tenant's own role into `public`,
   * another one as superuser into a schema that has its name. Throws CONFLICT where what the owner did there is in the way.
   */
  async ensure(
    server: ManagedServer,
    { extensions, username }: Pick<DatabaseHome, 'extensions' | 'username'>,
    database: string,
  ): Promise<void> {
    if (extensions.length === 0) return;
    await this.assertAvailable(server, extensions);
    const owner = RoleName.of(username);
    const wanted = await findAvailable(server, extensions);
    await server.postgres.inDatabase(database, async (client) => {
      const { rows } = await client.query<{ name: string }>(FIND_INSTALLED_EXTENSIONS);
      const installed = new Set(rows.map((row) => row.name));
      for (const { name, isTrusted } of wanted.filter((extension) => !installed.has(extension.name))) {
        const sql = isTrusted ? createTrustedExtension(name, owner) : createUntrustedExtension(name);
        await client.query(sql).catch((error: unknown) => explain(error, name));
      }
    });
  }
}

function findAvailable(server: ManagedServer, names: readonly string[]): Promise<AvailableExtension[]> {
  return server.postgres.query<AvailableExtension>(FIND_EXTENSIONS, [names]);
}

/** What PostgreSQL refuses for the database's own state: a schema, rights or names that its owner changed. */
const OWNERS_DOING = /^(2B|3F|42|P0)/;

function explain(error: unknown, name: string): never {
  if (!(error instanceof DatabaseError) || !OWNERS_DOING.test(error.code ?? '')) throw error;
  throw new RowhouseError('CONFLICT', reasonAgainst(error, name), { cause: error });
}

function reasonAgainst({ code, message }: DatabaseError, name: string): string {
  if (code === SQLSTATE.duplicateSchema)
    return `The extension ${name} needs a schema of its own called ${name}, and there is one already. Rename or drop it.`;
  if (code === SQLSTATE.invalidSchemaName)
    return `The extension ${name} goes into the schema "public", which the database does not have (SQLSTATE ${code}). Make it: CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC.`;
  return `The extension ${name} cannot be installed in this database: ${message} (SQLSTATE ${code}).`;
}
