import { Injectable, type OnModuleInit } from '@nestjs/common';
import { RowhouseError } from '../../../kernel/errors.js';
import type { Operation, OperationHandler, OperationStep } from '../../../operations/operation.types.js';
import { OperationsService } from '../../../operations/operations.service.js';
import { HostedLogins } from '../../../provisioning/logins/hosted-logins.js';
import { LoginSessions } from '../../../provisioning/logins/login-sessions.js';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import { ServerRegistry } from '../../../provisioning/server-registry.js';
import { HostProvisioner } from '../../../provisioning/tenancy/hosts/host-provisioner.js';
import { hostRoles } from '../../../provisioning/tenancy/hosts/host-roles.js';
import { type Host, HostsRepository } from '../hosts.repository.js';

const DATABASE_PATIENCE_MS = 120_000;

type HostWork = (host: Host, server: ManagedServer, operation: Operation) => Promise<void>;

/** Tells the engine how a database becomes a host, and how its roles get new passwords. */
@Injectable()
export class HostOperations implements OnModuleInit {
  constructor(
    private readonly operations: OperationsService,
    private readonly repository: HostsRepository,
    private readonly servers: ServerRegistry,
    private readonly provisioner: HostProvisioner,
    private readonly sessions: LoginSessions,
    private readonly hosted: HostedLogins,
  ) {}

  onModuleInit(): void {
    this.operations.register(this.prepare());
    this.operations.register(this.rotate());
  }

  /** A host whose database is just being made waits for that. */
  private prepare(): OperationHandler {
    return {
      kind: 'host.prepare',
      maxAttempts: 10,
      deadlineSeconds: 600,
      whenUnavailable: 'retry',
      lane: 'waiting',
      steps: [
        {
          name: 'database',
          isNeeded: ({ input }) => typeof input['databaseOperationId'] === 'string',
          run: ({ operation }) => this.awaitDatabase(operation),
        },
        this.step('schema', async (host, server) => {
          await this.provisioner.ensure(server, host);
          await this.provisioner.closeToTenants(server, host);
        }),
        this.step('logins', (host, server) => this.provisioner.openLogins(server, host)),
      ],
      succeed: async (tx, { subjectId }) => {
        await this.repository.setStatus(tx, subjectId ?? '', 'ready');
        return null;
      },
      fail: (tx, { subjectId }) => this.repository.setStatus(tx, subjectId ?? '', 'failed'),
    };
  }

  /** The row has the new verifiers already. */
  private rotate(): OperationHandler {
    return {
      kind: 'host.rotate_credentials',
      maxAttempts: 20,
      deadlineSeconds: 600,
      whenUnavailable: 'retry',
      steps: [
        this.step('passwords', async (host, server, { id, input }) => {
          const username = hostRoles(host.databaseName)[input['role'] === 'app' ? 'app' : 'readonly'].value;
          await this.provisioner.openLogins(server, host);
          await this.sessions.endPresent(server, host.databaseName, [{ username, roleOid: null }]);
          await this.hosted.restore(server, host.databaseName, id);
        }),
      ],
      succeed: async () => null,
      fail: async () => {},
    };
  }

  private step(name: string, work: HostWork): OperationStep {
    return {
      name,
      run: async ({ operation }) => {
        const host = await this.repository.find(operation.subjectId ?? '');
        if (!host) throw new RowhouseError('NOT_FOUND', 'The hosting database is gone.');
        await work(host, this.servers.get(host.serverId), operation);
      },
    };
  }

  private async awaitDatabase({ input }: Operation): Promise<void> {
    const operation = await this.operations.get(String(input['databaseOperationId']));
    const ended = await this.operations.run(operation, DATABASE_PATIENCE_MS);
    if (ended.state === 'succeeded') return;
    const { code, message } = ended.error ?? {
      code: 'OPERATION_TIMED_OUT',
      message: 'The database took too long.',
    };
    throw new RowhouseError(code, `The hosting database was not made: ${message}`);
  }
}
