import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FoundationModule } from '../app.module.js';
import { loadStackConfig } from '../config/stack-config.js';
import { AuditModule } from '../infra/control-db/audit.module.js';
import { ControlDbModule } from '../infra/control-db/control-db.module.js';
import { migrate } from '../infra/control-db/migrator.js';
import { SecretBox } from '../kernel/secret-box.js';
import { describeKeys } from '../modules/encryption/key-report.js';
import { type KeyReport, Resealer } from '../modules/encryption/resealer.js';
import { ResealingModule } from '../modules/encryption/resealing.module.js';
import { DataDirectory } from '../stack/data-directory.js';
import { keepFormerKeys, rotateEncryptionKey } from '../stack/secrets.js';
import { StackError } from '../stack/stack-error.js';
import { loadRunningConfig } from './local-config.js';
import { done, print } from './progress.js';

@Module({})
class EncryptionKeyCommandModule {}

/** Whether a former key can be taken away. */
export async function showKeys(): Promise<void> {
  await withResealer(async (resealer) => show(await resealer.report()));
}

/** Does at once what a worker does in the background; the local stack forgets the former keys that nothing needs. */
export async function reseal(): Promise<void> {
  await withResealer(async (resealer) => {
    const outcome = await resealer.run();
    if (outcome) done(`${outcome.resealed} secrets sealed anew`);
    else print('Another process is at it just now: ask for `encryption-key status` in a moment');
    const report = await resealer.report();
    show(report);
    forgetUnneeded(report);
  });
}

/** Only while it does not run: a running process knows the keys of its start. */
export async function rotate(): Promise<void> {
  const stack = loadStackConfig();
  if (stack === null) throw new StackError(OF_YOUR_OWN);
  const directory = new DataDirectory(stack.dataDir);
  if (directory.findClusterMajor() === null)
    throw new StackError(`There is no local stack in ${stack.dataDir}`);
  const lock = directory.acquireLock();
  try {
    rotateEncryptionKey(directory.secrets);
  } finally {
    lock.release();
  }
  done('There is a new key: start Rowhouse, and it seals all stored secrets with it in the background');
  print('`rowhouse encryption-key reseal` then forgets the former one.');
}

const OF_YOUR_OWN =
  'With DB_HOST the key is yours: let every process know a new one first (ENCRYPTION_KEY_PREVIOUS), then make it ENCRYPTION_KEY and the present one a previous one';

function show(report: KeyReport): void {
  for (const { text, isProblem } of describeKeys(report)) print(isProblem ? `✖ ${text}` : text);
}

function forgetUnneeded({ former }: KeyReport): void {
  const stack = loadStackConfig();
  if (stack === null) return;
  const unneeded = new Set(former.filter(({ secrets }) => secrets === 0).map(({ keyId }) => keyId));
  const isNeeded = (key: string) => !unneeded.has(SecretBox.of(Buffer.from(key, 'hex')).keyId);
  keepFormerKeys(new DataDirectory(stack.dataDir).secrets, isNeeded);
}

async function withResealer(work: (resealer: Resealer) => Promise<void>): Promise<void> {
  const config = loadRunningConfig();
  await migrate(config);
  const module = {
    module: EncryptionKeyCommandModule,
    imports: [FoundationModule.register(config), ControlDbModule.register(), AuditModule, ResealingModule],
  };
  const context = await NestFactory.createApplicationContext(module, { logger: ['error'] });
  try {
    await work(context.get(Resealer, { strict: false }));
  } finally {
    await context.close();
  }
}
