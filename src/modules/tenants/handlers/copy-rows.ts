import { RowhouseError } from '../../../kernel/errors.js';
import { isLostOwnership, LOST_OWNERSHIP } from '../../../provisioning/tenancy/hosts/lost-ownership.js';
import type { Tenant } from '../tenant.js';
import type { TenantStepContext, TenantTools } from './tenant-tools.js';

/** Fills a clone with the rows of its source. A migration that has reached the source meanwhile is caught up with. */
export async function copyRows(
  tools: TenantTools,
  { tenant, server, signal }: TenantStepContext,
): Promise<void> {
  let target = tenant;
  for (;;) {
    const source = await findSource(tools, target);
    const ahead = await tools.copy.rows({ server, source, target, signal }).catch(async (error: unknown) => {
      signal.throwIfAborted();
      await findSource(tools, target);
      throw isLostOwnership(error) ? lostOwnership(error) : error;
    });
    if (ahead === null) return;
    await tools.catchUp.bring(server, target, ahead);
    signal.throwIfAborted();
    await tools.repository.record(target.id, { templateVersion: ahead });
    target = { ...target, templateVersion: ahead };
  }
}

/** Throws CONFLICT when it is gone or about to go: then there is nothing to wait for. */
async function findSource({ repository }: TenantTools, { clonedFrom }: Tenant): Promise<Tenant> {
  const source = clonedFrom && (await repository.find(clonedFrom));
  if (source && source.status !== 'deleting') return source;
  throw new RowhouseError('CONFLICT', 'The tenant that was to be cloned has been deleted meanwhile.');
}

function lostOwnership(error: unknown): RowhouseError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RowhouseError('CONFLICT', `The tenant cannot be read: ${reason}. ${LOST_OWNERSHIP}`, {
    cause: error,
  });
}
