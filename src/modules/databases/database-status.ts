import type { TransitionTable } from '../../kernel/transitions.js';

export const DATABASE_STATUSES = ['creating', 'active', 'suspended', 'deleting', 'failed'] as const;
export type DatabaseStatus = (typeof DATABASE_STATUSES)[number];

/**
 * A `deleting` database ends by disappearing, or is what it was before when its deletion is refused before anything has
 * changed; a `failed` one can only be deleted.
 */
export const DATABASE_TRANSITIONS: TransitionTable<DatabaseStatus> = {
  creating: ['active', 'deleting', 'failed'],
  active: ['suspended', 'deleting'],
  suspended: ['active', 'deleting'],
  deleting: ['active', 'suspended', 'failed'],
  failed: ['deleting'],
};
