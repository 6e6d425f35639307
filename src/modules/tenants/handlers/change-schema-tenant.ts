import type { OperationHandler } from '../../../operations/operation.types.js';
import type { TenantChanges } from '../tenants.repository.js';
import type { TenantTools } from './tenant-tools.js';

const PERSISTENT = { maxAttempts: 20, deadlineSeconds: 600, whenUnavailable: 'retry' } as const;

/** Brings registry and server to what the row says; a slug that the registry refuses takes the whole change back. */
export function applyTenant(tools: TenantTools): OperationHandler {
  return {
    kind: 'tenant.apply',
    ...PERSISTENT,
    steps: [
      tools.stepIf(
        ({ input }) => input['registered'] !== false,
        tools.step('registry', ({ tenant, server }) => tools.describe(server, tenant, tenant.status)),
      ),
      tools.stepIf(
        ({ input }) => input['access'] === true,
        tools.step('access', ({ server }) => tools.access.sync(server)),
      ),
      tools.stepIf(
        ({ input }) => input['isolation'] !== 'database',
        tools.step('login', async ({ tenant, server }) => {
          await tools.schemas.applySettings(server, tenant);
          if (tenant.status === 'active') await tools.schemas.enableLogin(server, tenant);
          if (tenant.status === 'suspended') await tools.schemas.disableLogin(server, tenant);
        }),
      ),
    ],
    succeed: async () => null,
    fail: async (tx, { subjectId, input, step }, { code }) => {
      const former = input['former'] as TenantChanges | undefined;
      if (!subjectId || !former) return;
      // The registry has the rest of the change already; the ports go by the former rules still.
      if (step === 'access') {
        await tools.repository.update(tx, subjectId, { externalAccess: former.externalAccess });
      } else if (code === 'CONFLICT') await tools.repository.restore(tx, subjectId, former);
    },
  };
}

/** Refuses logins on both ports and the host's `_app` role, and ends the sessions; data stays. */
export function suspendTenant(tools: TenantTools): OperationHandler {
  return {
    kind: 'tenant.suspend',
    ...PERSISTENT,
    steps: [
      tools.step('logins', ({ tenant, server }) => tools.schemas.disableLogin(server, tenant)),
      tools.step('registry', ({ tenant, server }) => tools.describe(server, tenant, 'suspended')),
    ],
    ...switchEnds(tools, 'suspended'),
  };
}

export function resumeTenant(tools: TenantTools): OperationHandler {
  return {
    kind: 'tenant.resume',
    ...PERSISTENT,
    steps: [
      tools.step('login', ({ tenant, server }) => tools.schemas.enableLogin(server, tenant)),
      tools.step('registry', ({ tenant, server }) => tools.describe(server, tenant, 'active')),
    ],
    ...switchEnds(tools, 'active'),
  };
}

/** A half-done switch would contradict the status, so what the row says is applied again. */
function switchEnds(
  tools: TenantTools,
  to: 'active' | 'suspended',
): Pick<OperationHandler, 'succeed' | 'fail'> {
  return {
    succeed: async (tx, operation) => {
      await tools.move(tx, operation, to);
      return null;
    },
    fail: async (tx, operation) => {
      await tools.operations.enqueueFollowUp(tx, operation, 'tenant.apply');
    },
  };
}
