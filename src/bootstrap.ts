import type { DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DestinationStream } from 'pino';
import { AppModule } from './app.module.js';
import type { Config } from './config/config.js';
import { createHttpApp } from './http/create-app.js';
import { ensureControlDatabase } from './infra/control-db/control-database.js';
import { migrate } from './infra/control-db/migrator.js';
import { createLogger } from './infra/logging/logger.js';
import { NestLogger } from './infra/logging/nest-logger.js';
import { ensureFirstHba } from './infra/pgbouncer/first-hba.js';
import { explainPoolerRefusal } from './infra/pgbouncer/pooler-refusal.js';
import { AdminKey } from './modules/api-keys/admin-key.js';
import { LoginProofs } from './provisioning/login-proof/login-proofs.js';

export interface StartedApp {
  readonly app: NestFastifyApplication;
  /** How the API is reached, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** The admin key, only when this start made it: it can't be shown again. */
  readonly adminKey: string | null;
  /** What keeps clients from using what Rowhouse makes, though it runs. */
  readonly warnings: readonly string[];
}

export interface AppOptions {
  /** Besides Rowhouse's own. */
  readonly modules?: readonly DynamicModule[];
  /** Where the log goes instead of standard output. */
  readonly logOutput?: DestinationStream;
}

/** The whole application, initialised, not yet listening. The control database must be migrated. */
export async function createApp(
  config: Config,
  { modules = [], logOutput }: AppOptions = {},
): Promise<NestFastifyApplication> {
  const logger = new NestLogger(createLogger(config, logOutput));
  const app = await createHttpApp(AppModule.register(config, modules), config, { logger });
  return app.init();
}

/** Migrates the control database, starts the application and listens. */
export async function startApp(config: Config, options: AppOptions = {}): Promise<StartedApp> {
  await ensureControlDatabase(config);
  await ensureFirstHba(config);
  await migrate(config).catch((error: unknown) => {
    throw config.control.throughPooler ? explainPoolerRefusal(error, config, config.control) : error;
  });
  const app = await createApp(config, options);
  try {
    await app.listen(config.http.port, config.http.host);
    // After all that may fail: the key can be shown once only.
    const adminKey = await app.get(AdminKey).ensure();
    const url = reachableUrl(await app.getUrl(), config);
    return { app, url, adminKey, warnings: app.get(LoginProofs).warnings() };
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** Over HTTPS by the name that the certificate is for. */
function reachableUrl(url: string, { http, publicHost }: Config): string {
  if (http.tls === null || publicHost === null) return url;
  const reachable = new URL(url);
  reachable.hostname = publicHost.includes(':') ? `[${publicHost}]` : publicHost;
  return reachable.origin;
}
