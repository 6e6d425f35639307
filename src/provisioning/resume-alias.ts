import type { PgBouncerAdmin } from '../infra/pgbouncer/pgbouncer-admin.js';

/** Ends every client and server connection of an alias, which KILL leaves paused: also when its answer was lost. */
export async function cutAlias(pooler: PgBouncerAdmin, alias: string): Promise<void> {
  try {
    await pooler.kill(alias);
  } finally {
    await resumeAlias(pooler, alias);
  }
}

/** RESUME fails when the alias is gone meanwhile, or not paused: either is what was wanted. */
export async function resumeAlias(pooler: PgBouncerAdmin, alias: string): Promise<void> {
  try {
    await pooler.resume(alias);
  } catch (error) {
    const entry = (await pooler.databases()).find((database) => database.name === alias);
    if (entry?.paused) throw error;
  }
}
