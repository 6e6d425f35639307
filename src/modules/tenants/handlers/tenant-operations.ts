import { Injectable, type OnModuleInit } from '@nestjs/common';
import { applyTenant, resumeTenant, suspendTenant } from './change-schema-tenant.js';
import { claimSchemaTenant, cloneSchemaTenant, createSchemaTenant } from './create-schema-tenant.js';
import { deleteTenant } from './delete-tenant.js';
import { createOwnDatabaseTenant } from './own-database-tenant.js';
import { TenantTools } from './tenant-tools.js';

const HANDLERS = [
  createSchemaTenant,
  cloneSchemaTenant,
  claimSchemaTenant,
  createOwnDatabaseTenant,
  applyTenant,
  suspendTenant,
  resumeTenant,
  deleteTenant,
];

/** Tells the engine how each kind of tenant operation is done. */
@Injectable()
export class TenantOperations implements OnModuleInit {
  constructor(private readonly tools: TenantTools) {}

  onModuleInit(): void {
    for (const handler of HANDLERS) this.tools.operations.register(handler(this.tools));
  }
}
