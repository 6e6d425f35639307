import type { TransitionTable } from '../../kernel/transitions.js';

export const MIGRATION_STATES = ['pending', 'running', 'paused', 'succeeded', 'failed', 'cancelled'] as const;
export type MigrationState = (typeof MIGRATION_STATES)[number];

/** From `paused` and `failed` it goes on as `pending`: when it is resumed, or when its failed tenants are tried again. */
export const MIGRATION_TRANSITIONS: TransitionTable<MigrationState> = {
  pending: ['running', 'paused', 'succeeded', 'failed', 'cancelled'],
  running: ['paused', 'succeeded', 'failed', 'cancelled'],
  paused: ['pending', 'cancelled'],
  failed: ['pending'],
  succeeded: [],
  cancelled: [],
};

export const TENANT_RESULTS = ['pending', 'succeeded', 'failed', 'skipped'] as const;
export type TenantResultState = (typeof TENANT_RESULTS)[number];

/** Whether nobody works on it and nobody will by itself. */
export function isAtRest(state: MigrationState): boolean {
  return state !== 'pending' && state !== 'running';
}
