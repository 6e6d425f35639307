import { Client } from 'pg';
import { generatePassword, randomHex } from '../../src/kernel/ids.js';
import { scramVerifier } from '../../src/kernel/scram.js';
import type { World } from '../support/world.js';
import { stopwatch } from './ratio.js';

const TEMPLATE = 'rowhouse_blank';
const POOLER_AUTH = 'rowhouse_pooler_auth';

/** What a script would do for a database, over one connection: role, database from the same template, grants. */
export class BareCreate {
  private constructor(private readonly client: Client) {}

  static async connect({ config: { server } }: World): Promise<BareCreate> {
    const client = new Client({
      host: server.host,
      port: server.port,
      user: server.adminUser,
      password: server.adminPassword,
      database: 'postgres',
    });
    await client.connect();
    return new BareCreate(client);
  }

  /** One database, in milliseconds. */
  async time(): Promise<number> {
    const suffix = randomHex(4);
    const [role, database] = [`bare_user_${suffix}`, `bare_${suffix}`];
    const verifier = await scramVerifier(generatePassword());
    return stopwatch(async () => {
      await this.client.query(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 20 PASSWORD '${verifier}'`);
      await this.client.query(`CREATE DATABASE ${database} OWNER ${role} TEMPLATE ${TEMPLATE}`);
      await this.client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
      await this.client.query(`GRANT CONNECT ON DATABASE ${database} TO ${role}, ${POOLER_AUTH}`);
    });
  }

  end(): Promise<void> {
    return this.client.end();
  }
}
