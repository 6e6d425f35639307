import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, DiscoveryModule } from '@nestjs/core';
import { Admission } from './admission.js';
import { AnswerInterceptor } from './answer.interceptor.js';
import { ApiCertificate } from './api-certificate.js';
import { AuthenticationGuard } from './authentication.guard.js';
import { Authentication } from './authentication.js';
import { ClosedRoutes } from './closed-routes.js';
import { EnvelopeInterceptor } from './envelope.interceptor.js';
import { FamiliarKeys } from './familiar-keys.js';
import { HitCounters } from './hit-counters.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { IdempotencyPurge } from './idempotency.purge.js';
import { IdempotencyStore } from './idempotency.store.js';
import { KeyFailures } from './key-failures.js';
import { OperationAnswers } from './operation-answers.js';
import { ProblemFilter } from './problem.filter.js';
import { RateLimiter } from './rate-limiter.js';
import { RouteScopesCheck } from './route-scopes.check.js';
import { RouteTable } from './route-table.js';
import { ScopeGuard } from './scope.guard.js';
import { TenantGuard } from './tenant.guard.js';
import { TenantRoutesCheck } from './tenant-routes.check.js';
import { createValidationPipe } from './validation.js';

/**
 * What every request passes on its way to a controller and back, in this order: bans, rate limit, key, body, scope,
 * tenants, idempotency, envelope, validation. Needs ApiKeyVerifier, AddressBans and DataSource from global modules.
 */
@Global()
@Module({})
export class HttpModule {
  static register(): DynamicModule {
    return {
      module: HttpModule,
      imports: [DiscoveryModule],
      providers: [
        Admission,
        Authentication,
        ClosedRoutes,
        EnvelopeInterceptor,
        IdempotencyInterceptor,
        FamiliarKeys,
        HitCounters,
        KeyFailures,
        RateLimiter,
        ApiCertificate,
        IdempotencyStore,
        IdempotencyPurge,
        OperationAnswers,
        RouteScopesCheck,
        RouteTable,
        TenantRoutesCheck,
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        { provide: APP_GUARD, useClass: ScopeGuard },
        { provide: APP_GUARD, useClass: TenantGuard },
        { provide: APP_INTERCEPTOR, useClass: AnswerInterceptor },
        { provide: APP_PIPE, useFactory: createValidationPipe },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
