import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { DataSource } from 'typeorm';
import { FoundationModule } from '../app.module.js';
import type { Config } from '../config/config.js';
import { systemContext } from '../http/request-context.js';
import { AuditModule } from '../infra/control-db/audit.module.js';
import { ControlDbModule } from '../infra/control-db/control-db.module.js';
import { migrate } from '../infra/control-db/migrator.js';
import { RedisModule } from '../infra/redis/redis.module.js';
import { RowhouseError } from '../kernel/errors.js';
import { ApiKeysModule } from '../modules/api-keys/api-keys.module.js';
import { ApiKeysService } from '../modules/api-keys/api-keys.service.js';
import { CreateApiKeyDto } from '../modules/api-keys/dto/create-api-key.dto.js';
import { loadRunningConfig } from './local-config.js';
import { print } from './progress.js';

@Module({})
class KeysCommandModule {}

/** Makes a key straight in the control database; whoever may read its password needs no other key. */
export async function createKey(name: string, scopes: readonly string[]): Promise<void> {
  const request = validRequest(name, scopes);
  const config = loadRunningConfig();
  await migrate(config);
  const context = await createContext(config);
  try {
    const keys = context.get(ApiKeysService);
    const key = await context
      .get(DataSource)
      .transaction((tx) => keys.createWithin(tx, systemContext('cli'), request));
    print(key);
  } finally {
    await context.close();
  }
}

function validRequest(name: string, scopes: readonly string[]): CreateApiKeyDto {
  const request = plainToInstance(CreateApiKeyDto, { name, scopes });
  const problems = validateSync(request).flatMap(({ property, constraints }) =>
    Object.values(constraints ?? {}).map((problem) => `${property} ${problem}`),
  );
  if (problems.length > 0) throw new RowhouseError('VALIDATION_FAILED', problems.join('; '));
  return request;
}

function createContext(config: Config) {
  const module = {
    module: KeysCommandModule,
    imports: [
      FoundationModule.register(config),
      ControlDbModule.register(),
      AuditModule,
      RedisModule,
      ApiKeysModule,
    ],
  };
  return NestFactory.createApplicationContext(module, { logger: ['error'] });
}
