import type { DynamicModule, LoggerService, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '../config/config.js';
import { configureApp, setPrefix } from './configure-app.js';
import { enableCors } from './cors.js';
import { fastifyOptions } from './fastify-options.js';

export interface AppOptions {
  logger: LoggerService | false;
  /** Only what the OpenAPI document needs: nothing is instantiated, nothing connects. */
  preview?: boolean;
}

/** Makes the HTTP application of a root module. It does not listen yet. */
export async function createHttpApp(
  root: Type | DynamicModule,
  config: Config,
  options: AppOptions,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter(fastifyOptions(config));
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    ...options,
    bodyParser: false,
    abortOnError: false,
  });
  if (options.preview) return setPrefix(app);
  enableCors(app, config.http.corsOrigins);
  return configureApp(app);
}
