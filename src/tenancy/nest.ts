import {
  applyDecorators,
  type DynamicModule,
  type FactoryProvider,
  Module,
  type ModuleMetadata,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common';
import { IN_TENANT, TenantInterceptor } from './nest-interceptor.js';
import {
  type HandlerOptions,
  TENANCY_OPTIONS,
  type TenancyModuleOptions,
  type TenantRequest,
} from './nest-options.js';
import { TenantDb } from './nest-tenant-db.js';

export { TenantInterceptor } from './nest-interceptor.js';
export type { HandlerOptions, TenancyModuleOptions, TenantRequest } from './nest-options.js';
export { TenantDb } from './nest-tenant-db.js';
export { TenancyError, type TenancyErrorCode } from './tenancy-error.js';

export interface TenancyModuleAsyncOptions<Request = TenantRequest>
  extends Pick<ModuleMetadata, 'imports'>,
    Pick<FactoryProvider<TenancyModuleOptions<Request>>, 'inject' | 'useFactory'> {}

/**
 * Runs the handler, or every handler of the controller, in a transaction of the request's tenant: committed when it
 * returns, rolled back when it throws or the client leaves.
 */
export function InTenant(options: HandlerOptions = {}): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(IN_TENANT, options), UseInterceptors(TenantInterceptor));
}

/** Gives every module `TenantDb` and `@InTenant()`. Import it once, in the root module. */
@Module({})
export class TenancyModule {
  static forRoot<Request = TenantRequest>(options: TenancyModuleOptions<Request>): DynamicModule {
    return toModule({ provide: TENANCY_OPTIONS, useFactory: () => options });
  }

  /** For options that other providers make, such as a pool from the configuration. */
  static forRootAsync<Request = TenantRequest>(options: TenancyModuleAsyncOptions<Request>): DynamicModule {
    const { imports = [], inject = [], useFactory } = options;
    return { ...toModule({ provide: TENANCY_OPTIONS, inject, useFactory }), imports };
  }
}

function toModule(options: FactoryProvider): DynamicModule {
  const shared = [options, TenantDb, TenantInterceptor];
  return { module: TenancyModule, global: true, providers: shared, exports: shared };
}
