import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, DiscoveryModule } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { ThrottlerModule } from '@nestjs/throttler';
import { CONFIG, type Config } from '../config/config.js';
import { newId } from '../kernel/ids.js';
import { ApiCertificate } from './api-certificate.js';
import { AuthenticationGuard } from './authentication.guard.js';
import { EnvelopeInterceptor } from './envelope.interceptor.js';
import { headerKeyStrategy } from './header-key.strategy.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { IdempotencyPurge } from './idempotency.purge.js';
import { IdempotencyStore } from './idempotency.store.js';
import { OperationAnswers } from './operation-answers.js';
import { BEARER_PREFIX, KEY_HEADER } from './presented-key.js';
import { ProblemFilter } from './problem.filter.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { RateLimitModule } from './rate-limit.module.js';
import { RateLimitStorage } from './rate-limit.storage.js';
import { RouteScopesCheck } from './route-scopes.check.js';
import { RouteTable } from './route-table.js';
import { ScopeGuard } from './scope.guard.js';
import { createValidationPipe } from './validation.js';

const MINUTE_MS = 60_000;

/**
 * What every request passes on its way to a controller and back, in this order: rate limit, key, scope, idempotency,
 * envelope, validation. Needs ApiKeyVerifier and DataSource from global modules.
 */
@Global()
@Module({})
export class HttpModule {
  static register(): DynamicModule {
    // Passport's registry of strategies is one for the process: own names keep two applications in it apart.
    const names = [`api-key-${newId()}`, `bearer-${newId()}`] as const;
    return {
      module: HttpModule,
      imports: [
        DiscoveryModule,
        PassportModule.register({ defaultStrategy: [...names], session: false }),
        ThrottlerModule.forRootAsync({
          imports: [RateLimitModule],
          inject: [CONFIG, RateLimitStorage],
          useFactory: (config: Config, storage: RateLimitStorage) => ({
            throttlers: [{ limit: config.http.rateLimitPerMinute, ttl: MINUTE_MS }],
            storage,
          }),
        }),
      ],
      providers: [
        headerKeyStrategy(names[0], KEY_HEADER, ''),
        headerKeyStrategy(names[1], 'authorization', BEARER_PREFIX),
        ApiCertificate,
        IdempotencyStore,
        IdempotencyPurge,
        OperationAnswers,
        RouteScopesCheck,
        RouteTable,
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        { provide: APP_GUARD, useClass: ScopeGuard },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        { provide: APP_INTERCEPTOR, useClass: EnvelopeInterceptor },
        { provide: APP_PIPE, useFactory: createValidationPipe },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
