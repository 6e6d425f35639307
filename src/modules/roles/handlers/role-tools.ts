import { Injectable } from '@nestjs/common';
import { Clock } from '../../../kernel/clock.js';
import type { Operation, OperationStep, StepContext } from '../../../operations/operation.types.js';
import { OperationsService } from '../../../operations/operations.service.js';
import { AccessSync } from '../../../provisioning/access/access-sync.js';
import { HomeCredentials } from '../../../provisioning/home-credentials.js';
import { FurtherLogins } from '../../../provisioning/logins/further-logins.js';
import { type HomeType, type LoginHome, LoginHomes } from '../../../provisioning/logins/login-home.js';
import { LoginRotation } from '../../../provisioning/logins/login-rotation.js';
import { LoginSessions } from '../../../provisioning/logins/login-sessions.js';
import { type LoginRow, LoginStore } from '../../../provisioning/logins/login-store.js';
import { OwnLogin } from '../../../provisioning/logins/own-login.js';
import { Strangers } from '../../../provisioning/logins/strangers.js';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import { PoolerAliases } from '../../../provisioning/pooler-aliases.js';
import { ServerRegistry } from '../../../provisioning/server-registry.js';

export interface HomeStepContext extends StepContext {
  readonly home: LoginHome;
  readonly server: ManagedServer;
}

export interface RoleStepContext extends HomeStepContext {
  readonly row: LoginRow;
}

/** What the handlers of role operations are made of. */
@Injectable()
export class RoleTools {
  constructor(
    readonly operations: OperationsService,
    readonly store: LoginStore,
    readonly logins: FurtherLogins,
    readonly sessions: LoginSessions,
    readonly rotation: LoginRotation,
    readonly aliases: PoolerAliases,
    readonly access: AccessSync,
    readonly credentials: HomeCredentials,
    readonly strangers: Strangers,
    readonly clock: Clock,
    private readonly own: OwnLogin,
    private readonly homes: LoginHomes,
    private readonly servers: ServerRegistry,
  ) {}

  /** A step on the home. It reads the rows anew, so that a resumed step sees what others recorded. */
  homeStep(type: HomeType, name: string, work: (context: HomeStepContext) => Promise<void>): OperationStep {
    return {
      name,
      run: async (context) => {
        const home = await this.homes.get({ type, id: context.operation.subjectId ?? '' });
        await work({ ...context, home, server: this.servers.get(home.serverId) });
      },
    };
  }

  /** The home's own role gets its password back, in case somebody who leaves changed it. */
  async restoreOwn({ home, server, operation }: HomeStepContext): Promise<void> {
    const overlap = await this.store.findOverlap(home);
    await this.own.restore(server, home, { overlap, operationId: operation.id });
  }

  /** A step on one role of it. */
  step(type: HomeType, name: string, work: (context: RoleStepContext) => Promise<void>): OperationStep {
    return this.homeStep(type, name, async (context) => {
      const row = await this.store.find(context.home, roleOf(context.operation));
      if (!row) throw new Error(`the role of operation ${context.operation.id} is gone`);
      await work({ ...context, row });
    });
  }
}

export function roleOf({ input }: Operation): string {
  return String(input['roleId']);
}
