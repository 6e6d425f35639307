import type { ClientConfig } from 'pg';
import type { Config } from '../../config/config.js';
import { entranceOptions } from '../postgres/entrance.js';

/** Longer than PgBouncer's query_wait_timeout, so that its own error comes first. */
export const QUERY_TIMEOUT_MS = 15_000;

/** node-postgres options for the control database, through PgBouncer or directly. */
export function controlConnection(config: Config): ClientConfig {
  const { user, password, database, tls } = config.control;
  return {
    ...entranceOptions(config.control, tls, config.caFile),
    user,
    password,
    database,
    application_name: 'rowhouse',
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  };
}
