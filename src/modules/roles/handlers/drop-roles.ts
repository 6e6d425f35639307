import type { OperationHandler } from '../../../operations/operation.types.js';
import type { HomeType, LoginHome } from '../../../provisioning/logins/login-home.js';
import type { LoginRow } from '../../../provisioning/logins/login-store.js';
import type { RoleTools } from './role-tools.js';

/** Removes every role of the home that is on its way out: whoever came to its end goes together. */
export function dropRoles(type: HomeType, tools: RoleTools): OperationHandler {
  const { logins, sessions, strangers, access, store, clock } = tools;
  const leaving = async (home: LoginHome): Promise<LoginRow[]> =>
    (await store.list(home)).filter(({ status }) => status === 'deleting');
  return {
    kind: `${type}.drop_roles`,
    maxAttempts: 1_000,
    deadlineSeconds: 7 * 86_400,
    whenUnavailable: 'retry',
    steps: [
      tools.homeStep(type, 'logins', async ({ home, server }) => {
        for (const row of await leaving(home)) await logins.refuse(server, row);
      }),
      tools.homeStep(type, 'sessions', async ({ home, server }) => {
        for (const row of await leaving(home)) {
          await sessions.endAll(server, row);
          await sessions.endRemainders(server, home.alias, row.username);
        }
      }),
      tools.homeStep(type, 'own password', (context) => tools.restoreOwn(context)),
      // Whoever acted as the owner may have let others in.
      tools.homeStep(type, 'strangers', async ({ home, server }) => {
        const hadOwner = (await leaving(home)).some(({ access: kind }) => kind === 'owner');
        if (type === 'database' && hadOwner) await strangers.evict(server, home.databaseName);
      }),
      tools.homeStep(type, 'roles', async ({ home, server }) => {
        for (const row of await leaving(home)) {
          await logins.drop(server, row);
          await store.remove(row.id);
        }
      }),
      tools.homeStep(type, 'access', ({ server }) => access.sync(server)),
    ],
    succeed: async () => null,
    fail: async (tx, { subjectId }) => {
      await store.giveUpDropping(tx, { type, id: subjectId ?? '' }, clock.now());
    },
  };
}
