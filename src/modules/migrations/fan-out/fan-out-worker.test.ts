import { expect, test } from 'vitest';
import type { TenantHome } from '../../../provisioning/tenancy/schemas/tenant-home.js';
import { VersionFailed } from '../../../provisioning/tenancy/versions/version-failure.js';
import type { TenantResult } from '../migration.js';
import { type FanOutOrder, FanOutWorker } from './fan-out-worker.js';
import type { HostSession } from './host-session.js';
import { RunControl } from './run-context.js';
import { type QueuedTenant, TenantQueue } from './tenant-queue.js';

const LOST = Object.assign(new Error('the connection is gone'), { code: 'ECONNRESET' });
const VERSIONS = [{ number: 1 }, { number: 2 }] as unknown as FanOutOrder['versions'];

function refused(version: number): VersionFailed {
  const place = { detail: null, hint: null, file: null, line: null };
  return new VersionFailed({ sqlstate: '23505', message: 'no', version, ...place });
}

/** Lets a worker serve tenants without a version; `apply` and `flush` throw what shall happen to them. */
async function serve(
  ids: readonly string[],
  {
    apply = () => {},
    flush = () => {},
  }: { apply?: (id: string, version: number) => void; flush?: () => void },
): Promise<{ applied: string[]; results: string[] }> {
  const applied: string[] = [];
  const results: string[] = [];
  const home = (id: string) => ({ id, databaseName: 'host', templateVersion: 0 }) as TenantHome;
  const tenants = ids.map((id) => ({ home: home(id), ring: 1, version: 0, attempts: 0 }));
  const { signal } = new AbortController();
  const order = {
    context: {
      migration: { version: 2, strategy: { maxAttempts: 3 } },
      control: new RunControl(signal),
      signal,
    },
    versions: VERSIONS,
    queue: new TenantQueue(tenants),
    changed: () => {},
    report: (_: QueuedTenant, { tenantId, state, version, attempts }: TenantResult) =>
      results.push(`${tenantId} ${state} ${version} ${attempts}`),
    migrator: {
      open: async () => ({ close: () => {}, leave: async () => {} }) as unknown as HostSession,
      migrate: async (_: HostSession, tenant: QueuedTenant) => {
        for (const { number } of VERSIONS.filter((version) => version.number > tenant.version)) {
          apply(tenant.home.id, number);
          applied.push(`${tenant.home.id} ${number}`);
          tenant.version = number;
        }
      },
      flush: async () => flush(),
      assertServerAnswers: async () => {},
      isGone: async () => false,
    },
  };
  await new FanOutWorker(order as unknown as FanOutOrder).work();
  return { applied, results };
}

/** Throws at the first call that matches. */
function once<Args extends unknown[]>(error: Error, matches: (...args: Args) => boolean) {
  let isDone = false;
  return (...args: Args) => {
    if (isDone || !matches(...args)) return;
    isDone = true;
    throw error;
  };
}

test('reports who is through after a flush', async () => {
  let flushes = 0;
  const { results } = await serve(['a', 'b', 'c'], {
    flush: () => {
      flushes += 1;
    },
  });

  expect(results).toEqual(['a succeeded 2 1', 'b succeeded 2 1', 'c succeeded 2 1']);
  expect(flushes).toBeGreaterThan(0);
});

test('begins anew with a tenant whose session was lost between two versions', async () => {
  const { applied, results } = await serve(['a'], { apply: once(LOST, (_, version) => version === 2) });

  expect(applied).toEqual(['a 1', 'a 1', 'a 2']);
  expect(results).toEqual(['a succeeded 2 2']);
});

test('begins anew with all that were not flushed when the session was lost, and holds it against nobody', async () => {
  const { results } = await serve(['a', 'b', 'c'], {
    apply: once(LOST, (id, version) => id === 'c' && version === 2),
  });

  expect(results.toSorted()).toEqual(['a succeeded 2 1', 'b succeeded 2 1', 'c succeeded 2 2']);
});

test('reports no version of a tenant that failed before it is flushed', async () => {
  const fails = (_: string, version: number) => {
    if (version === 2) throw refused(version);
  };
  const { results } = await serve(['a'], { apply: fails });
  expect(results).toEqual(['a failed 1 1']);

  const lost = await serve(['a'], { apply: fails, flush: once(LOST, () => true) });
  expect(lost.applied).toEqual(['a 1', 'a 1']);
  expect(lost.results).toEqual(['a failed 1 1']);
});

test('gives up when what it committed cannot be flushed', async () => {
  const denied = Object.assign(new Error('permission denied'), { code: '42501' });
  const flush = () => {
    throw denied;
  };

  await expect(serve(['a'], { flush })).rejects.toThrow(denied);
});
