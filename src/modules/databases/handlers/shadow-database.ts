import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HandlerTools } from './handler-tools.js';

const PATIENCE = { maxAttempts: 20, deadlineSeconds: 600, whenUnavailable: 'retry' } as const;

/** Makes Prisma's shadow database beside the main one. */
export function createShadow(tools: HandlerTools): OperationHandler {
  return {
    kind: 'database.create_shadow',
    ...PATIENCE,
    steps: [creation(tools), pooler(tools)],
    succeed: async () => null,
    fail: async () => {},
  };
}

/** Empties the shadow database: a dropped and newly made one is what Prisma expects. */
export function resetShadow(tools: HandlerTools): OperationHandler {
  return {
    kind: 'database.reset_shadow',
    ...PATIENCE,
    steps: [removal(tools), creation(tools), pooler(tools)],
    succeed: async () => null,
    fail: async () => {},
  };
}

/** Removes the shadow database. */
export function dropShadow(tools: HandlerTools): OperationHandler {
  return {
    kind: 'database.drop_shadow',
    ...PATIENCE,
    steps: [removal(tools), pooler(tools)],
    succeed: async () => null,
    fail: async () => {},
  };
}

function creation(tools: HandlerTools) {
  return tools.step('shadow', async ({ database, home, server }) => {
    const shadowDatabaseOid = await tools.provisioner.ensureShadow(server, home);
    await tools.repository.record(database.id, { shadowDatabaseOid, shadowCreatedAt: tools.clock.now() });
  });
}

function removal(tools: HandlerTools) {
  return tools.step('drop shadow', async ({ database, home, server }) => {
    await tools.provisioner.dropShadow(server, home);
    await tools.repository.record(database.id, { shadowDatabaseOid: null, shadowCreatedAt: null });
  });
}

function pooler(tools: HandlerTools) {
  return tools.step('pooler', ({ server }) => tools.aliases.sync(server));
}
