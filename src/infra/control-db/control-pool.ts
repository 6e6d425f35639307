import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';

/**
 * The node-postgres pool under TypeORM, for the few statements that are so frequent that TypeORM's query runner shows in
 * the number of requests a second.
 */
export function controlPool(dataSource: DataSource): Pool {
  return (dataSource.driver as unknown as { master: Pool }).master;
}
