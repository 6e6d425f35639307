import type { OperationHandler } from '../../../operations/operation.types.js';
import type { Tenant } from '../tenant.js';
import type { TenantTools } from './tenant-tools.js';

const CREATION = { maxAttempts: 5, deadlineSeconds: 300, whenUnavailable: 'fail' } as const;
/** Copying rows takes as long as it takes. */
const COPY_DEADLINE_SECONDS = 6 * 3_600;

/**
 * The cold path: makes everything, looking first; nobody can log in before the last step. The pooler's files are not
 * written while the template's hundreds of files come into being: their fsync would wait for all of those.
 */
export function createSchemaTenant(tools: TenantTools): OperationHandler {
  return { kind: 'tenant.create', ...CREATION, steps: coldSteps(tools), ...creationEnds(tools) };
}

/** The same with the rows of another tenant instead of seeds. */
export function cloneSchemaTenant(tools: TenantTools): OperationHandler {
  const [role, schema, login] = coldSteps(tools);
  const copy = tools.step('copy', async ({ tenant, server, signal }) => {
    const source = tenant.clonedFrom && (await tools.repository.find(tenant.clonedFrom));
    if (!source) throw new Error(`the source of ${tenant.slug} is gone`);
    await tools.copy.rows({ server, source, target: tenant, signal });
  });
  return {
    kind: 'tenant.clone',
    ...CREATION,
    deadlineSeconds: COPY_DEADLINE_SECONDS,
    steps: [role, schema, copy, login],
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
        await settled([open, tools.describe(server, tenant, 'active')]);
      }),
    ],
    ...creationEnds(tools),
  };
}

function coldSteps(tools: TenantTools) {
  return [
    tools.step('role', async ({ tenant, server }) => {
      const roleOid = tools.schemas.ensureRole(server, tenant);
      await settled([roleOid, tools.aliases.sync(server)]);
      await tools.repository.record(tenant.id, { roleOid: await roleOid });
    }),
    tools.step('schema', async ({ tenant, server, operation }) => {
      const seeds = operation.kind !== 'tenant.clone';
      const schemaOid = tools.schemas.ensureSchema(server, tenant, { template: contentOf(tenant), seeds });
      await settled([schemaOid, tools.schemas.prepareRole(server, tenant)]);
      await tools.repository.record(tenant.id, { schemaOid: await schemaOid });
    }),
    tools.step('login', async (context) => {
      const { tenant, server } = context;
      await tools.guard(context);
      await settled([tools.schemas.openLogin(server, tenant), tools.describe(server, tenant, 'active')]);
    }),
  ] as const;
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

/** Waits for all of them also when one fails, so that nothing of a failed step works on while it is cleared up. */
async function settled(work: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
}
