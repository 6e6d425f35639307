import type { TransitionTable } from '../../kernel/transitions.js';
import type { TenantStatus } from '../../provisioning/tenancy/schemas/tenant-home.js';

export const TENANT_STATUSES = ['creating', 'active', 'suspended', 'deleting', 'failed'] as const;

/**
 * A `deleting` tenant ends by disappearing, or is what it was before when its deletion is refused before anything has
 * changed; a `failed` one can only be deleted.
 */
export const TENANT_TRANSITIONS: TransitionTable<TenantStatus> = {
  creating: ['active', 'deleting', 'failed'],
  active: ['suspended', 'deleting'],
  suspended: ['active', 'deleting'],
  deleting: ['active', 'suspended', 'failed'],
  failed: ['deleting'],
};
