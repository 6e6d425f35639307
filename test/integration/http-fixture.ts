import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Body,
  Controller,
  type DynamicModule,
  Get,
  Global,
  Module,
  Post,
  Query,
  Res,
  StreamableFile,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ScheduleModule } from '@nestjs/schedule';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, Min, ValidateNested } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../src/config/config.js';
import { createHttpApp } from '../../src/http/create-app.js';
import { HttpModule } from '../../src/http/http.module.js';
import { ListQuery } from '../../src/http/pagination.js';
import { Page, Reply } from '../../src/http/reply.js';
import type { RequestContext } from '../../src/http/request-context.js';
import {
  Context,
  Public,
  RawAnswer,
  RequireScope,
  TenantFiltered,
  TenantRoute,
  UuidParam,
} from '../../src/http/route.js';
import { AuditModule } from '../../src/infra/control-db/audit.module.js';
import { ControlDbModule } from '../../src/infra/control-db/control-db.module.js';
import { RedisModule } from '../../src/infra/redis/redis.module.js';
import { Clock, SystemClock } from '../../src/kernel/clock.js';
import { RowhouseError } from '../../src/kernel/errors.js';
import { newId } from '../../src/kernel/ids.js';
import { AddressBansModule } from '../../src/modules/address-bans/address-bans.module.js';
import { ApiKeysModule } from '../../src/modules/api-keys/api-keys.module.js';

class Part {
  @IsInt()
  size!: number;
}

class ThingDto {
  @IsString({ message: 'must be a string' })
  name!: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10)
  count?: number;

  @IsOptional()
  @ValidateNested()
  @Type(() => Part)
  part?: Part;
}

/** Routes that do what a test needs, nothing else. */
@Controller('things')
export class ThingsController {
  static calls = 0;
  static before: () => Promise<void> = async () => {};

  constructor(private readonly control: DataSource) {}

  @Post()
  @RequireScope('databases:write')
  async createThing(@Body() dto: ThingDto): Promise<Reply<object>> {
    ThingsController.calls += 1;
    await ThingsController.before();
    const data = { id: newId(), name: dto.name, password: newId() };
    return new Reply(201, data, { message: 'Made', headers: { Location: `/api/things/${data.id}` } });
  }

  @Get()
  @RequireScope('databases:read')
  listThings(@Query() query: ListQuery): Page<object> {
    return new Page([{ limit: query.limit }], null);
  }

  @Post('context')
  @RequireScope('databases:read')
  context(@Context() context: RequestContext): RequestContext {
    return context;
  }

  @Get('mine')
  @RequireScope('tenants:read')
  @TenantFiltered()
  mine(@Context() context: RequestContext): readonly string[] | null {
    return context.principal.tenantIds;
  }

  @Get('of/:tenantId')
  @RequireScope('tenants:read')
  @TenantRoute('tenantId')
  ofTenant(@UuidParam('tenantId') tenantId: string): object {
    return { tenantId };
  }

  @Get('open')
  @Public()
  open(@Context() context: RequestContext): string {
    return context.principal.id;
  }

  @Get('raw')
  @Public()
  @RawAnswer()
  raw(@Res({ passthrough: true }) reply: FastifyReply): string {
    reply.type('text/plain');
    return 'raw';
  }

  /** Eight lines in four seconds. */
  @Get('stream')
  @Public()
  stream(): StreamableFile {
    async function* ticks() {
      for (let at = 0; at < 8; at += 1) {
        await pause(500);
        yield 'tick\n';
      }
    }
    return new StreamableFile(Readable.from(ticks()), { type: 'text/event-stream' });
  }

  @Get('broken')
  @Public()
  broken(): never {
    throw new Error('cannot reach postgres://user:hunter2@host/db');
  }

  @Get('busy')
  @Public()
  busy(): never {
    throw new RowhouseError('RESOURCE_BUSY', 'Somebody else works on it.');
  }

  @Get('query')
  @Public()
  query(): Promise<unknown> {
    return this.control.query('SELECT 1 AS one');
  }

  @Get(':id')
  @RequireScope('databases:read')
  getThing(@UuidParam() id: string): object {
    return { id };
  }
}

@Controller('health')
@Public()
class LivenessController {
  @Get()
  look(): string {
    return 'alive';
  }
}

@Global()
@Module({})
class FoundationModule {
  static register(config: Config): DynamicModule {
    return {
      module: FoundationModule,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: Clock, useClass: SystemClock },
      ],
      exports: [CONFIG, Clock],
    };
  }
}

@Module({})
class HttpTestModule {}

/** The HTTP layer and the API keys on a real control database, listening on a free port. */
export async function startHttpApp(config: Config): Promise<NestFastifyApplication> {
  const root: DynamicModule = {
    module: HttpTestModule,
    imports: [
      FoundationModule.register(config),
      ScheduleModule.forRoot(),
      ControlDbModule.register(),
      AuditModule,
      RedisModule,
      HttpModule.register(),
      ApiKeysModule,
      AddressBansModule,
    ],
    controllers: [ThingsController, LivenessController],
  };
  const app = await createHttpApp(root, config, { logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
}

export interface Ask {
  method?: string;
  key?: string | null;
  body?: unknown;
  rawBody?: string;
  headers?: Record<string, string>;
}

export async function ask(app: NestFastifyApplication, path: string, options: Ask = {}): Promise<Answer> {
  const { method = 'GET', key = null, body, rawBody, headers = {} } = options;
  const payload = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch((await app.getUrl()) + path, {
    method,
    body: payload,
    headers: {
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === null ? {} : { 'x-api-key': key }),
      ...headers,
    },
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}
