import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FoundationModule } from '../app.module.js';
import { ListQuery, MAX_LIMIT } from '../http/pagination.js';
import { systemContext } from '../http/request-context.js';
import { AuditModule } from '../infra/control-db/audit.module.js';
import { ControlDbModule } from '../infra/control-db/control-db.module.js';
import { migrate } from '../infra/control-db/migrator.js';
import { RedisModule } from '../infra/redis/redis.module.js';
import { AddressBansModule } from '../modules/address-bans/address-bans.module.js';
import { AddressBansService } from '../modules/address-bans/address-bans.service.js';
import { loadRunningConfig } from './local-config.js';
import { done, print } from './progress.js';

@Module({})
class BansCommandModule {}

/** Lifts a ban straight in the control database, for who is banned from the API; it holds within five seconds. */
export async function liftBan(address: string): Promise<void> {
  await withBans(async (bans) => {
    const lifted = await bans.lift(systemContext('cli'), address);
    done(`${lifted.address} is banned no more`);
  });
}

/** The newest bans in force. */
export async function listBans(): Promise<void> {
  await withBans(async (bans) => {
    const { items } = await bans.list(Object.assign(new ListQuery(), { limit: MAX_LIMIT }));
    for (const { address, failures, expires_at } of items)
      print(`${address.padEnd(44)}  ${expires_at}  ${failures} wrong keys`);
    if (items.length === 0) done('No address is banned');
  });
}

async function withBans(work: (bans: AddressBansService) => Promise<void>): Promise<void> {
  const config = loadRunningConfig();
  await migrate(config);
  const module = {
    module: BansCommandModule,
    imports: [
      FoundationModule.register(config),
      ControlDbModule.register(),
      AuditModule,
      RedisModule,
      AddressBansModule,
    ],
  };
  const context = await NestFactory.createApplicationContext(module, { logger: ['error'] });
  try {
    await work(context.get(AddressBansService));
  } finally {
    await context.close();
  }
}
