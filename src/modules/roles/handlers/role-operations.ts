import { Injectable, type OnModuleInit } from '@nestjs/common';
import { changeRole } from './change-role.js';
import { createRole } from './create-role.js';
import { dropRoles } from './drop-roles.js';
import { RoleTools } from './role-tools.js';
import { rotateRole } from './rotate-role.js';

const HANDLERS = [createRole, changeRole, rotateRole, dropRoles];

/** Tells the engine how each kind of role operation is done. */
@Injectable()
export class RoleOperations implements OnModuleInit {
  constructor(private readonly tools: RoleTools) {}

  onModuleInit(): void {
    for (const type of ['database', 'tenant'] as const) {
      for (const handler of HANDLERS) this.tools.operations.register(handler(type, this.tools));
    }
  }
}
