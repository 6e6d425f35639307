import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../../kernel/clock.js';
import type { Operation, OperationStep, StepContext } from '../../../operations/operation.types.js';
import { OperationsService } from '../../../operations/operations.service.js';
import { HomeCredentials } from '../../../provisioning/home-credentials.js';
import { type HomeType, type LoginHome, LoginHomes } from '../../../provisioning/logins/login-home.js';
import { LoginRotation, type NewPassword } from '../../../provisioning/logins/login-rotation.js';
import { LoginStore } from '../../../provisioning/logins/login-store.js';
import { OwnLogin } from '../../../provisioning/logins/own-login.js';
import { Strangers } from '../../../provisioning/logins/strangers.js';
import type { ManagedServer } from '../../../provisioning/managed-server.js';
import { ServerRegistry } from '../../../provisioning/server-registry.js';

export interface HomeStepContext extends StepContext {
  readonly home: LoginHome;
  readonly server: ManagedServer;
}

/** What the handlers of rotations are made of. */
@Injectable()
export class CredentialTools {
  constructor(
    readonly operations: OperationsService,
    readonly homes: LoginHomes,
    readonly store: LoginStore,
    readonly rotation: LoginRotation,
    readonly own: OwnLogin,
    readonly strangers: Strangers,
    readonly clock: Clock,
    private readonly credentials: HomeCredentials,
    private readonly servers: ServerRegistry,
  ) {}

  /** A step on the operation's home. It reads the row anew, so that a resumed step sees what others recorded. */
  step(type: HomeType, name: string, work: (context: HomeStepContext) => Promise<void>): OperationStep {
    return {
      name,
      run: async (context) => {
        const home = await this.getHome(type, context.operation);
        await work({ ...context, home, server: this.servers.get(home.serverId) });
      },
    };
  }

  /** A step that only some operations of its kind have. */
  stepIf(isNeeded: (operation: Operation) => boolean, step: OperationStep): OperationStep {
    return { ...step, isNeeded };
  }

  getHome(type: HomeType, { subjectId }: Operation, tx?: EntityManager): Promise<LoginHome> {
    return this.homes.get({ type, id: subjectId ?? '' }, tx);
  }

  /** Null when the rotation has its end behind it. */
  nextPassword(home: LoginHome, { id }: Operation): NewPassword | null {
    if (home.nextScramVerifier === null) return null;
    const password =
      this.credentials.recall(id) ?? this.credentials.find(home.alias, home.nextPasswordCiphertext);
    return { verifier: home.nextScramVerifier, password };
  }
}
