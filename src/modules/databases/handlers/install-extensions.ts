import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HandlerTools } from './handler-tools.js';

/** Installs what the row names and the database lacks. */
export function installExtensions(tools: HandlerTools): OperationHandler {
  return {
    kind: 'database.install_extensions',
    maxAttempts: 5,
    deadlineSeconds: 600,
    whenUnavailable: 'retry',
    steps: [
      tools.step('extensions', ({ home, server, operation }) =>
        tools.provisioner.ensureExtensions(server, { ...home, extensions: wanted(operation.input) }),
      ),
    ],
    succeed: async (tx, operation) => {
      const { id, extensions } = await tools.get(operation, tx);
      const union = [...new Set([...extensions, ...wanted(operation.input)])];
      await tools.repository.update(tx, id, { extensions: union, updatedAt: tools.clock.now() });
      return null;
    },
    fail: async () => {},
  };
}

function wanted(input: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(input['extensions']) ? input['extensions'].map(String) : [];
}
