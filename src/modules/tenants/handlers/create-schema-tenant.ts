import { settleAll } from '../../../kernel/settle-all.js';
import type { OperationHandler } from '../../../operations/operation.types.js';
import type { Tenant } from '../tenant.js';
import { copyRows } from './copy-rows.js';
import type { TenantStepContext, TenantTools } from './tenant-tools.js';

const CREATION = { maxAttempts: 5, deadlineSeconds: 300, whenUnavailable: 'fail' } as const;
/** Copying rows takes as long as it takes. */
const COPY_DEADLINE_SECONDS = 6 * 3_600;

/**
 * The cold path: makes everything that is not there; nobody can log in before the end. One step, since each record of a
 * step would show in the time that it takes: a cancel comes too late for it, and whoever lost the lease must not admit
 * anybody.
 */
export function createSchemaTenant(tools: TenantTools): OperationHandler {
  const step = tools.step('home', async (context) => {
    const oids = await ensureHome(tools, context);
    await tools.guard(context);
    context.signal.throwIfAborted();
    await settleAll([admit(tools, context), tools.repository.record(context.tenant.id, oids)]);
  });
  return { kind: 'tenant.create', ...CREATION, steps: [step], ...creationEnds(tools) };
}

/** The same with the rows of another tenant instead of seeds. */
export function cloneSchemaTenant(tools: TenantTools): OperationHandler {
  return {
    kind: 'tenant.clone',
    ...CREATION,
    deadlineSeconds: COPY_DEADLINE_SECONDS,
    lane: 'long',
    steps: [
      tools.step('home', async (context) => {
        await tools.repository.record(context.tenant.id, await ensureHome(tools, context));
      }),
      tools.step('copy', (context) => copyRows(tools, context)),
      tools.step('login', async (context) => {
        await tools.guard(context);
        await admit(tools, context);
      }),
    ],
    ...creationEnds(tools),
  };
}

/** The warm path: everything is there, pooler entry included; the role only gets LOGIN. */
export function claimSchemaTenant(tools: TenantTools): OperationHandler {
  return {
    kind: 'tenant.claim',
    ...CREATION,
    steps: [
      tools.step('login', async ({ tenant, server, operation }) => {
        const open =
          operation.input['hasPassword'] === true
            ? tools.schemas.openLogin(server, tenant)
            : tools.schemas.enableLogin(server, tenant);
        await settleAll([open, tools.describe(server, tenant, 'active')]);
      }),
    ],
    ...creationEnds(tools),
  };
}

/**
 * The role, then all that needs it, at once: most of the time goes into the template's tables, whose many files the
 * pooler's file shares its waits for the disk with.
 */
async function ensureHome(
  { schemas, aliases }: TenantTools,
  { tenant, server, operation }: TenantStepContext,
): Promise<{ roleOid: number; schemaOid: number }> {
  const content = { template: contentOf(tenant), seeds: operation.kind !== 'tenant.clone' };
  const roleOid = await schemas.ensureRole(server, tenant);
  const [schemaOid] = await settleAll([
    schemas.ensureSchema(server, tenant, content),
    schemas.prepareRole(server, tenant),
    aliases.sync(server),
  ]);
  return { roleOid, schemaOid };
}

/** From then on it is a tenant like others. */
async function admit(tools: TenantTools, { tenant, server }: TenantStepContext): Promise<void> {
  await settleAll([tools.schemas.openLogin(server, tenant), tools.describe(server, tenant, 'active')]);
}

function contentOf({ templateId, templateVersion }: Tenant) {
  return templateId === null ? null : { templateId, version: templateVersion };
}

/** Whatever a failed creation made is removed again, by an operation that waits for the server if need be. */
function creationEnds(tools: TenantTools): Pick<OperationHandler, 'succeed' | 'fail'> {
  return {
    succeed: async (tx, { subjectId }) => {
      if (subjectId) await tools.repository.activate(tx, subjectId);
      return null;
    },
    fail: async (tx, operation) => {
      const moved = await tools.move(tx, operation, 'deleting');
      if (moved) await tools.operations.enqueueFollowUp(tx, operation, 'tenant.delete');
    },
  };
}
