import { Client, type ClientConfig, DatabaseError } from 'pg';
import { SQLSTATE } from '../postgres/sqlstate.js';
import { PROBE_DATABASE, type ProbeAnswer } from './probe.js';

/** PgBouncer gives everything that it refuses the same SQLSTATE, so there is only this text to tell it by. */
const POOLER_REFUSAL = 'login rejected';

/**
 * What the server behind a port does at this moment with who asks for the probe. No password is sent: the question is
 * whether there would be a use for it. Throws when the server is away.
 */
export async function askProbe(connection: ClientConfig): Promise<ProbeAnswer> {
  let isAsked = false;
  const password = () => {
    isAsked = true;
    throw new Error('the probe has no password');
  };
  const client = new Client({ ...connection, database: PROBE_DATABASE, password });
  client.on('error', () => {});
  try {
    await client.connect();
    return 'admits';
  } catch (error) {
    if (isAsked) return 'admits';
    if (isRefusal(error)) return 'refuses';
    throw error;
  } finally {
    await client.end().catch(() => {});
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  return error.code === SQLSTATE.invalidAuthorization || error.message === POOLER_REFUSAL;
}
