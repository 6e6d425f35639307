import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  Param,
  SetMetadata,
  type Type,
} from '@nestjs/common';
import { ApiExtension, ApiOperation, ApiParam, ApiResponse, ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { envelopeOf, pageOf } from './envelope-schema.js';
import { requestContext } from './request-state.js';
import type { Scope } from './scopes.js';
import { UuidPipe } from './uuid.pipe.js';

export { ApiProblems } from './problem.js';

export const REQUIRED_SCOPE = Symbol('required scope');
export const PUBLIC = Symbol('public');
export const OUTLIVES_PROCESS = Symbol('outlives its process');
export const RAW_ANSWER = Symbol('raw answer');
export const TENANT_ACCESS = Symbol('tenant access');
export const SCOPE_EXTENSION = 'x-required-scope';
export const TENANT_EXTENSION = 'x-tenant-bound-keys';

/** What a tenant-bound key may see of a route: that of its own tenants. A route that declares nothing is closed to it. */
export type TenantAccess =
  | { readonly kind: 'tenant'; readonly parameter: string }
  | { readonly kind: 'filtered' };

/** Declares the scope that the caller's key must have. Every route declares one or is `@Public()`. */
export function RequireScope(scope: Scope): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED_SCOPE, scope),
    ApiSecurity('api-key'),
    ApiSecurity('bearer'),
    ApiExtension(SCOPE_EXTENSION, scope),
  );
}

/** The path parameter is a tenant's id: a tenant-bound key gets 404 for the ids of others. */
export function TenantRoute(parameter = 'id'): MethodDecorator & ClassDecorator {
  return tenantAccess({ kind: 'tenant', parameter });
}

/** The service looks at `context.principal.tenantIds` itself and shows a tenant-bound key only what is its tenants'. */
export function TenantFiltered(): MethodDecorator & ClassDecorator {
  return tenantAccess({ kind: 'filtered' });
}

function tenantAccess(access: TenantAccess): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(TENANT_ACCESS, access),
    ApiExtension(TENANT_EXTENSION, access.kind === 'tenant' ? access.parameter : access.kind),
  );
}

/** Opens a route to everybody. */
export function Public(): MethodDecorator & ClassDecorator {
  return SetMetadata(PUBLIC, true);
}

/**
 * For how long, in milliseconds, what a request began may go on after its process died: so long its Idempotency-Key stays
 * in use then, so that it never runs twice.
 */
export function OutlivesProcess(milliseconds: number): MethodDecorator {
  return SetMetadata(OUTLIVES_PROCESS, milliseconds);
}

/** Sends what the route returns as it is, without the envelope. */
export function RawAnswer(): MethodDecorator {
  return SetMetadata(RAW_ANSWER, true);
}

/** The RequestContext of the request: who asks, from where, how long they wait. */
export const Context = createParamDecorator((_: unknown, context: ExecutionContext) =>
  requestContext(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** A path parameter that must be a UUID; a bad one is answered with 400 and named. */
export function UuidParam(name = 'id'): ParameterDecorator {
  return (target, key, index) => {
    Param(name, new UuidPipe(name))(target, key, index);
    const descriptor = key && Object.getOwnPropertyDescriptor(target, key);
    if (descriptor) ApiParam({ name, schema: { type: 'string', format: 'uuid' } })(target, key, descriptor);
  };
}

/** What the route does, in a few words, and more if need be. The operation id is the method's name. */
export function Summary(summary: string, description?: string): MethodDecorator {
  return ApiOperation({ summary, description });
}

export interface EnvelopeOptions {
  status?: number;
  description?: string;
}

/** Describes a successful answer with one resource. May stand more than once, with different statuses. */
export function ApiEnvelope(model: Type, options: EnvelopeOptions = {}): MethodDecorator {
  const { status = 200, description = DESCRIPTIONS[status] ?? 'Done' } = options;
  return ApiResponse({ status, description, type: envelopeOf(model) });
}

/** Describes a successful answer with a page of a list. */
export function ApiPage(model: Type, description = 'One page of the list'): MethodDecorator {
  return ApiResponse({ status: 200, description, type: pageOf(model) });
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted: the operation goes on, `Location` says where to follow it',
};
