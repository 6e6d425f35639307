import type { ServerResponse } from 'node:http';
import {
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  type NestInterceptor,
  NotFoundException,
} from '@nestjs/common';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { type HandlerOptions, TENANCY_OPTIONS, type TenancyModuleOptions } from './nest-options.js';
import { poolSource } from './pg.js';
import { TenancyError } from './tenancy-error.js';
import type { TenantOptions } from './tenant-options.js';
import { type TransactionSource, useTenant } from './tenant-transaction.js';
import { dataSourceTransactions } from './typeorm.js';

export const IN_TENANT = Symbol('rowhouse in tenant');

/** As nginx logs a request whose client left; nobody gets to see the answer. */
const CLIENT_CLOSED_REQUEST = 499;

/** Opens the tenant's transaction around a handler, and commits before the answer is sent. */
@Injectable()
export class TenantInterceptor implements NestInterceptor {
  private readonly source: TransactionSource<unknown>;

  constructor(@Inject(TENANCY_OPTIONS) private readonly options: TenancyModuleOptions) {
    this.source = options.pool ? poolSource(options.pool) : dataSourceTransactions(options.dataSource);
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const tenant = await this.options.tenantOf(http.getRequest());
    if (tenant === null) throw this.refuse('The request is for no tenant.');
    const leaving = watchClient(http.getResponse());
    try {
      const options = { ...this.handlerOptions(context), signal: leaving.signal };
      return of(await this.run({ tenant, options }, next));
    } finally {
      leaving.stop();
    }
  }

  private async run(use: { tenant: string; options: TenantOptions }, next: CallHandler): Promise<unknown> {
    let hasBegun = false;
    try {
      return await useTenant(this.source, use, () => {
        hasBegun = true;
        return lastValueFrom(next.handle(), { defaultValue: undefined });
      });
    } catch (error) {
      if (hasBegun || !isNoTenant(error)) throw error;
      throw this.refuse('There is no such tenant.', error);
    }
  }

  private handlerOptions(context: ExecutionContext): HandlerOptions {
    const own: HandlerOptions =
      Reflect.getMetadata(IN_TENANT, context.getHandler()) ??
      Reflect.getMetadata(IN_TENANT, context.getClass());
    return { ...this.options.defaults, ...own };
  }

  private refuse(message: string, cause?: unknown): HttpException {
    const Refusal = this.options.withoutTenant === 404 ? NotFoundException : BadRequestException;
    return new Refusal(message, { cause });
  }
}

function isNoTenant(error: unknown): boolean {
  return (
    error instanceof TenancyError && (error.code === 'INVALID_TENANT' || error.code === 'UNKNOWN_TENANT')
  );
}

/** Aborts when the connection closes before the answer is out. Fastify's reply has Node's response inside. */
function watchClient(response: ServerResponse | { raw: ServerResponse }): {
  signal: AbortSignal;
  stop: () => void;
} {
  const raw = 'raw' in response ? response.raw : response;
  const leaving = new AbortController();
  const leave = () => leaving.abort(new HttpException('The client has left.', CLIENT_CLOSED_REQUEST));
  if (raw.destroyed) leave();
  raw.once('close', leave);
  return { signal: leaving.signal, stop: () => raw.off('close', leave) };
}
