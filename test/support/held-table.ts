import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { until } from './until.js';
import type { World } from './world.js';

const WAITERS = `
  SELECT pid FROM pg_locks
  WHERE NOT granted AND relation = $1::regclass
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))`;

/** A table that the test lets nobody write to, so that whoever is about to stops there. */
export class HeldTable {
  private constructor(
    private readonly holder: Client,
    private readonly table: string,
  ) {}

  static async hold({ config: { server } }: World, database: string, table: string): Promise<HeldTable> {
    const { host, port, adminUser: user, adminPassword: password } = server;
    const holder = new Client({ host, port, user, password, database });
    await holder.connect();
    await holder.query(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`);
    const held = new HeldTable(holder, table);
    onTestFinished(() => held.release());
    return held;
  }

  async untilSomebodyWaits(): Promise<void> {
    await until(`somebody waits for ${this.table}`, async () => {
      const { rowCount } = await this.holder.query(WAITERS, [this.table]);
      return rowCount !== 0;
    });
  }

  /** Of a process that died: PostgreSQL would finish their statements otherwise. */
  async endWaiters(): Promise<void> {
    await this.holder.query(`SELECT pg_terminate_backend(pid) FROM (${WAITERS}) waiters`, [this.table]);
  }

  release(): Promise<void> {
    return this.holder.end();
  }
}
