import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from './host-connections.js';

/** What a host's own registry (`shared.tenants`) says of a tenant. */
export interface RegistryEntry {
  readonly schemaName: string;
  readonly slug: string;
  readonly name: string;
  readonly status: string;
}

const UPDATE = `
  UPDATE shared.tenants SET slug = $2, name = $3, status = $4, updated_at = now()
  WHERE schema_name = $1 AND (slug, name, status) IS DISTINCT FROM ($2, $3, $4)`;

/** The slug is another's in the host's registry, which takes each once. Nothing was changed. */
export class SlugHeld extends Error {
  constructor(
    readonly slug: string,
    /** The id under which the registry knows who has it. */
    readonly holder: string,
    cause: unknown,
  ) {
    super(`shared.tenants has the slug "${slug}" for another schema`, { cause });
    this.name = 'SlugHeld';
  }
}

/** The rows of `shared.tenants`, by which the tenants of a host know themselves. */
@Injectable()
export class Registry {
  constructor(private readonly connections: HostConnections) {}

  /** Throws SlugHeld. */
  async describe(server: ManagedServer, databaseName: string, entry: RegistryEntry): Promise<void> {
    const { schemaName, slug, name, status } = entry;
    await this.connections.use(server, databaseName, async (client) => {
      try {
        await client.query(UPDATE, [schemaName, slug, name, status]);
      } catch (error) {
        if (sqlState(error) !== SQLSTATE.uniqueViolation) throw error;
        const holder = await findHolder(client, slug);
        throw holder === null ? error : new SlugHeld(slug, holder, error);
      }
    });
  }

  /** The id of the tenant that a schema is registered for. */
  async findOwner(client: ClientBase, schemaName: string): Promise<string | null> {
    const { rows } = await client.query<{ id: string }>(
      'SELECT id FROM shared.tenants WHERE schema_name = $1',
      [schemaName],
    );
    return rows[0]?.id ?? null;
  }

  /** Its row, its ledger, and its people's rows in `shared`. */
  async remove(client: ClientBase, { id, schemaName }: { id: string; schemaName: string }): Promise<void> {
    await client.query('DELETE FROM shared.schema_versions WHERE schema_name = $1', [schemaName]);
    await client.query('DELETE FROM shared.tenants WHERE id = $1', [id]);
  }
}

async function findHolder(client: ClientBase, slug: string): Promise<string | null> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM shared.tenants WHERE slug = $1', [
    slug,
  ]);
  return rows[0]?.id ?? null;
}
