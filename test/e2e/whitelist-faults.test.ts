import { describe, expect, test } from 'vitest';
import { crashing } from '../support/crashing.js';
import { createDatabase } from '../support/databases.js';
import { whileFrozen, whileStopped } from '../support/faults.js';
import { getsIn } from '../support/login-from.js';
import { until } from '../support/until.js';
import { addRule, listRules, networksIn, setRules, whitelistOf } from '../support/whitelists.js';
import { startWorld } from '../support/world.js';

const world = await startWorld({
  app: 'child',
  env: { OPERATION_LEASE_SECONDS: '1', WARM_POOL_SIZE: '0', DB_PGBOUNCER_ENABLED: 'false' },
});
