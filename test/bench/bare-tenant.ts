import { Client } from 'pg';
import { randomHex } from '../../src/kernel/ids.js';
import { posFiles } from '../support/tenancy.js';
import type { World } from '../support/world.js';
import { stopwatch } from './ratio.js';

/** What a script would do for a tenant schema: all of its DDL as one message over one connection. */
export class BareTenant {
  private constructor(
    private readonly client: Client,
    private readonly ddl: string,
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
    return new BareTenant(client, ddl.join('\n'));
  }

  /** One schema, in milliseconds. */
  time(): Promise<number> {
    const schema = `bare_${randomHex(4)}`;
    return stopwatch(() =>
      this.client.query(
        `BEGIN; CREATE SCHEMA ${schema}; SET LOCAL search_path = ${schema}; ${this.ddl}; COMMIT`,
      ),
    );
  }

  end(): Promise<void> {
    return this.client.end();
  }
}
