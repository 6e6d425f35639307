import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';
import type { TenantOptions } from './tenant-options.js';

/** What requests of Express and of Fastify have in common. */
export interface TenantRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface CommonOptions<Request> {
  /**
   * The schema of the tenant that the request is for, such as `tenant_0001`; null where it is for none. Take it from
   * what the request has proved, such as its verified token: whoever may choose it may read every tenant.
   */
  tenantOf(request: Request): string | null | Promise<string | null>;
  /** What a request is answered that has no tenant, or one that the login may not be. Default 400. */
  readonly withoutTenant?: 400 | 404;
  /** For every handler that does not say otherwise. */
  readonly defaults?: HandlerOptions;
}

/** The request brings the signal; a handler is the outermost use. */
export type HandlerOptions = Omit<TenantOptions, 'signal' | 'insideAnother'>;

/** `Request`: as the application's HTTP adapter gives it. */
export type TenancyModuleOptions<Request = TenantRequest> = CommonOptions<Request> &
  (
    | { readonly pool: Pool; readonly dataSource?: undefined }
    | { readonly dataSource: DataSource; readonly pool?: undefined }
  );

export const TENANCY_OPTIONS = Symbol('rowhouse tenancy options');
