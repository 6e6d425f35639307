import type { ClientBase } from 'pg';
import { sealAgain } from './session-seal.js';

/**
 * What DISCARD ALL does, in statements that a message of several may contain (PostgreSQL manual, DISCARD): the session
 * goes on to other work, which must meet no setting, no lock and no temporary table of this one's.
 */
export function cleanSession(client: ClientBase): string {
  return `RESET ROLE; CLOSE ALL; RESET ALL; DEALLOCATE ALL; UNLISTEN *;
    SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD PLANS; DISCARD SEQUENCES; DISCARD TEMP; ${sealAgain(client)}`;
}
