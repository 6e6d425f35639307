import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';

/** What to do where the provisioner may not do with its own objects what it wants. */
export const LOST_OWNERSHIP =
  'If this is an object of the template or of the schema shared, it belongs to another role than Rowhouse’s, as after a restore with --no-owner. POST /api/servers/:id/reconcile with {"repair": true} gives it back.';

export function isLostOwnership(error: unknown): boolean {
  return sqlState(error) === SQLSTATE.insufficientPrivilege;
}
