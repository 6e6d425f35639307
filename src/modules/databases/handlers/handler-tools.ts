import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../../config/config.js';
import { Clock } from '../../../kernel/clock.js';
import { statesBefore } from '../../../kernel/transitions.js';
import type { Operation, OperationStep, StepContext } from '../../../operations/operation.types.js';
import { OperationsService } from '../../../operations/operations.service.js';
import { AccessSync } from '../../../provisioning/access/access-sync.js';
import type { DatabaseHome } from '../../../provisioning/database-home.js';
import { DatabaseProvisioner } from '../../../provisioning/database-provisioner.js';
import { Strangers } from '../../../provisioning/logins/strangers.js';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import { PoolerAliases } from '../../../provisioning/pooler-aliases.js';
import { ServerRegistry } from '../../../provisioning/server-registry.js';
import { HostDoors } from '../../../provisioning/tenancy/hosts/host-doors.js';
import { HostTeardown } from '../../../provisioning/tenancy/hosts/host-teardown.js';
import type { DatabaseEntity } from '../database.entity.js';
import { toHome } from '../database-home.js';
import { DATABASE_TRANSITIONS, type DatabaseStatus } from '../database-status.js';
import { DatabasesRepository } from '../databases.repository.js';

export interface DatabaseStepContext extends StepContext {
  readonly database: DatabaseEntity;
  readonly home: DatabaseHome;
  readonly server: ManagedServer;
}

/** What the handlers of database operations are made of. */
@Injectable()
export class HandlerTools {
  constructor(
    readonly operations: OperationsService,
    readonly repository: DatabasesRepository,
    readonly provisioner: DatabaseProvisioner,
    readonly aliases: PoolerAliases,
    readonly hosting: HostTeardown,
    readonly hostDoors: HostDoors,
    readonly strangers: Strangers,
    readonly access: AccessSync,
    readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    private readonly servers: ServerRegistry,
  ) {}

  /** A step on the operation's database. It reads the row anew, so that a resumed step sees what others recorded. */
  step(name: string, work: (context: DatabaseStepContext) => Promise<void>): OperationStep {
    return {
      name,
      run: async (context) => {
        const database = await this.get(context.operation);
        const server = this.servers.get(database.serverId);
        await work({ ...context, database, home: toHome(database), server });
      },
    };
  }

  /** A step that only some operations of its kind have. */
  stepIf(isNeeded: (operation: Operation) => boolean, step: OperationStep): OperationStep {
    return { ...step, isNeeded };
  }

  /** Before a new home's first login: what nobody told the ports of is open to all. They know what is in stock. */
  async guard({ database, server, operation }: DatabaseStepContext): Promise<void> {
    const isUsual = database.externalAccess === null && database.whitelistSize === 0;
    const isKnown = operation.kind === 'database.claim' || this.config.defaultAccess === 'open';
    if (!isUsual || !isKnown) await this.access.sync(server);
  }

  async get({ id, subjectId }: Operation, tx?: EntityManager): Promise<DatabaseEntity> {
    const database = subjectId && (await this.find(subjectId, tx));
    if (!database) throw new Error(`the database of operation ${id} is gone`);
    return database;
  }

  private find(id: string, tx?: EntityManager): Promise<DatabaseEntity | null> {
    return tx ? this.repository.findWithin(tx, id) : this.repository.find(id);
  }

  /** Moves the operation's database to a status, from wherever the transition table lets it come. */
  move(tx: EntityManager, { subjectId }: Operation, to: DatabaseStatus): Promise<boolean> {
    const from = statesBefore(DATABASE_TRANSITIONS, to);
    return this.repository.move(tx, subjectId ?? '', { from, to, at: this.clock.now() });
  }
}
