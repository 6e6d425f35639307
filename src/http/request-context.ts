import type { Scope } from './scopes.js';

/** Who asks. */
export interface Principal {
  readonly type: 'api-key' | 'system';
  /** The public id of the key (the part between `rh_` and the secret). */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The tenants that the key is bound to; null when it is for all. */
  readonly tenantIds: readonly string[] | null;
  /** The networks that the key may be used from, canonical; none means anywhere. */
  readonly allowedCidrs: readonly string[];
  /** When the key stops working (ISO 8601); null when it never does. */
  readonly expiresAt: string | null;
}

/** Neither bound nor limited. */
export const UNBOUND = { tenantIds: null, allowedCidrs: [], expiresAt: null } as const;

/** What every service gets to know of the request it works for. */
export interface RequestContext {
  readonly principal: Principal;
  readonly requestId: string;
  /** The client's address; null for work that no client asked for. */
  readonly address: string | null;
  /** How long to wait for the operation, in milliseconds (`Prefer: wait=N`, `respond-async` is 0). */
  readonly waitMs: number;
  /** The Idempotency-Key of the request, if it has one. */
  readonly idempotencyKey: string | null;
}

/** The context of work that Rowhouse starts by itself: schedules, reconciliation, the warm pool. */
export function systemContext(name: string): RequestContext {
  return {
    principal: { type: 'system', id: 'system', name, scopes: ['*'], ...UNBOUND },
    requestId: `system-${name}`,
    address: null,
    waitMs: 0,
    idempotencyKey: null,
  };
}
