import { until } from '../support/until.js';
import type { World } from '../support/world.js';

const TIMEOUT_MS = 180_000;

const UNDER_WAY = `
  SELECT 'operation ' || kind || ' ' || state || ' at ' || coalesce(step, '-') || ', attempt ' || attempts AS what
  FROM operations WHERE state IN ('pending', 'running')
  UNION ALL SELECT 'migration ' || state FROM migrations WHERE state IN ('pending', 'running')
  UNION ALL SELECT 'database ' || status FROM databases WHERE status IN ('creating', 'deleting')
  UNION ALL SELECT 'tenant ' || status FROM tenants WHERE status IN ('creating', 'deleting')
  UNION ALL SELECT 'stock ' || state FROM warm_databases WHERE state <> 'ready'
  UNION ALL SELECT 'stock of schemas ' || state FROM warm_schemas WHERE state <> 'ready'`;

/** Waits until nothing is under way and every part is up; throws with what still is. */
export async function untilSettled({ api, control }: World): Promise<void> {
  await until(
    'everything has settled',
    async () => {
      const ready = await fetch(`${api.baseUrl}/health/ready`);
      if (!ready.ok) throw new Error(await ready.text());
      const rows = await control.query<{ what: string }>(UNDER_WAY);
      if (rows.length > 0) throw new Error(rows.map(({ what }) => what).join('; '));
      return true;
    },
    { timeoutMs: TIMEOUT_MS, everyMs: 250 },
  );
}
