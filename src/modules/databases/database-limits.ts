import { invalidField } from '../../kernel/errors.js';
import type { ManagedServer } from '../../provisioning/managed-server.js';

/** Refuses a limit that the server could never honour. */
export function assertWithinServer({ facts }: ManagedServer, maxConnections: number): void {
  const most = facts.maxConnections - facts.reservedConnections;
  if (maxConnections > most) {
    throw invalidField('maxConnections', `must be at most ${most}, which is what the server has to give`);
  }
}
