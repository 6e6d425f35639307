import { Client } from 'pg';
import { randomHex } from '../../src/kernel/ids.js';
import { posFiles } from '../support/tenancy.js';
import type { World } from '../support/world.js';
import { stopwatch } from './ratio.js';

/**
 * What a script would do for a tenant schema: all of its DDL as one message over one connection. The grants belong to it,
 * as default privileges: without them nobody but the administrator could use the tables.
 */
export class BareTenant {
  private constructor(
    private readonly client: Client,
    private readonly ddl: string,
    private readonly reader: string,
  ) {}

  static async connect({ config: { server } }: World, database: string): Promise<BareTenant> {
    const client = new Client({
      host: server.host,
      port: server.port,
      user: server.adminUser,
      password: server.adminPassword,
      database,
    });
    await client.connect();
    const ddl = posFiles().map(({ sql }) => sql);
    return new BareTenant(client, ddl.join('\n'), `${database}_readonly`);
  }

  /** One schema, in milliseconds. */
  time(): Promise<number> {
    const name = `bare_${randomHex(4)}`;
    return stopwatch(() =>
      this.client.query(
        `BEGIN; CREATE ROLE ${name}; CREATE SCHEMA ${name}; GRANT USAGE ON SCHEMA ${name} TO ${name}, ${this.reader};
         ALTER DEFAULT PRIVILEGES IN SCHEMA ${name} GRANT SELECT ON TABLES TO ${this.reader};
         ALTER DEFAULT PRIVILEGES IN SCHEMA ${name} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${name};
         ALTER DEFAULT PRIVILEGES IN SCHEMA ${name} GRANT USAGE, SELECT ON SEQUENCES TO ${name};
         SET LOCAL search_path = ${name}; ${this.ddl}; COMMIT`,
      ),
    );
  }

  end(): Promise<void> {
    return this.client.end();
  }
}
