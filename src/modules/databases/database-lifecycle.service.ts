import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../http/request-context.js';
import { Clock } from '../../kernel/clock.js';
import { RowhouseError } from '../../kernel/errors.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { Extensions } from '../../provisioning/extensions.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { LoginStore } from '../../provisioning/logins/login-store.js';
import { NewRotation, toRotationInput } from '../../provisioning/logins/new-rotation.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { TenantDirectory } from '../../provisioning/tenancy/schemas/tenant-directory.js';
import { type Command, DatabaseCommands, type Started } from './database-commands.js';
import { DatabasePresenter } from './database-presenter.js';
import type { DatabaseStatus } from './database-status.js';
import { DatabasesReader } from './databases.reader.js';
import type { DatabaseDto, DeletedDatabaseDto, RotatedCredentialsDto } from './dto/database.dto.js';
import type { ExtensionsDto, RotateCredentialsDto } from './dto/requests.dto.js';

const LIVE = ['active', 'suspended'] as const;

/** What happens to a database between its creation and its end. */
@Injectable()
export class DatabaseLifecycleService {
  constructor(
    private readonly commands: DatabaseCommands,
    private readonly operations: OperationsService,
    private readonly reader: DatabasesReader,
    private readonly presenter: DatabasePresenter,
    private readonly credentials: HomeCredentials,
    private readonly servers: ServerRegistry,
    private readonly extensions: Extensions,
    private readonly tenants: TenantDirectory,
    private readonly rotation: NewRotation,
    private readonly logins: LoginStore,
    private readonly clock: Clock,
  ) {}

  suspend(context: RequestContext, id: string): Promise<OperationReply<DatabaseDto>> {
    return this.change(context, id, { kind: 'database.suspend', from: ['active'] });
  }

  resume(context: RequestContext, id: string): Promise<OperationReply<DatabaseDto>> {
    return this.change(context, id, { kind: 'database.resume', from: ['suspended'] });
  }

  createShadow(context: RequestContext, id: string): Promise<OperationReply<DatabaseDto>> {
    return this.change(context, id, { kind: 'database.create_shadow', from: LIVE });
  }

  resetShadow(context: RequestContext, id: string): Promise<OperationReply<DatabaseDto>> {
    return this.change(context, id, { kind: 'database.reset_shadow', from: LIVE });
  }

  dropShadow(context: RequestContext, id: string): Promise<OperationReply<DatabaseDto>> {
    return this.change(context, id, { kind: 'database.drop_shadow', from: LIVE });
  }

  async rotateCredentials(
    context: RequestContext,
    id: string,
    dto: RotateCredentialsDto,
  ): Promise<OperationReply<RotatedCredentialsDto>> {
    const { database, operation, password } = await this.beginRotation(context, id, dto);
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, {
      created: false,
      resource: async () =>
        this.presenter.rotated(database, password, await this.logins.findOverlap({ type: 'database', id })),
      pending: () => ({ credentials: this.presenter.credentials(database, password) }),
    });
  }

  /** The row has the next credentials; the operation puts them in force. The database is given with its new login. */
  async beginRotation(
    context: RequestContext,
    id: string,
    dto: RotateCredentialsDto,
  ): Promise<Started & { readonly password: string }> {
    const input = toRotationInput(dto);
    const at = this.clock.now();
    const { databaseName } = await this.reader.getEntity(id);
    const fresh = await this.credentials.generate(databaseName);
    const { database, operation } = await this.commands.start(context, id, {
      kind: 'database.rotate_credentials',
      from: LIVE,
      input,
      prepare: async (tx, found) => {
        found.login = await this.rotation.prepare(tx, { type: 'database', id }, { input, fresh, at });
      },
    });
    this.credentials.remember(operation.id, fresh.password);
    return { database, operation, password: fresh.password };
  }

  async installExtension(
    context: RequestContext,
    id: string,
    name: string,
  ): Promise<OperationReply<ExtensionsDto>> {
    const { serverId } = await this.reader.getEntity(id);
    await this.extensions.assertAvailable(this.servers.get(serverId), [name]);
    const started = await this.commands.start(context, id, {
      kind: 'database.install_extensions',
      from: LIVE,
      input: { extensions: [name] },
    });
    const ended = await this.operations.run(started.operation, context.waitMs);
    return toReply(ended, { created: false, resource: () => this.listExtensions(id) });
  }

  /** Of the allow-list, as the database has them now. Throws CONFLICT while it is not there. */
  async listExtensions(id: string): Promise<ExtensionsDto> {
    const { serverId, databaseName, status } = await this.reader.getEntity(id);
    assertThere(status);
    const server = this.servers.get(serverId);
    const [installed, available] = await Promise.all([
      this.extensions.installed(server, databaseName),
      this.extensions.available(server),
    ]);
    return { installed, available };
  }

  /** Throws CONFLICT while tenants live in it. */
  async delete(context: RequestContext, id: string): Promise<OperationReply<DeletedDatabaseDto>> {
    const { tenants } = await this.tenants.count(id);
    if (tenants > 0) {
      throw new RowhouseError(
        'CONFLICT',
        `The database is the home of ${tenants} tenants. Delete them first.`,
      );
    }
    const { database, operation } = await this.commands.startDelete(context, id);
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: false, resource: async () => this.presenter.deleted(database) });
  }

  private async change(
    context: RequestContext,
    id: string,
    command: Command,
  ): Promise<OperationReply<DatabaseDto>> {
    const started: Started = await this.commands.start(context, id, command);
    const ended = await this.operations.run(started.operation, context.waitMs);
    return toReply(ended, { created: false, resource: () => this.reader.get(id) });
  }
}

function assertThere(status: DatabaseStatus): void {
  if (status === 'active' || status === 'suspended') return;
  throw new RowhouseError('CONFLICT', `The database is ${status}; this needs it to be active or suspended.`);
}
