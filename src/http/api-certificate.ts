import type { Server } from 'node:https';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CONFIG, type Config } from '../config/config.js';
import { ConfigError } from '../config/load-config.js';
import { parsePair } from '../infra/tls/certificate-pair.js';
import { PairSource } from '../infra/tls/pair-source.js';
import { SettledWatch } from '../infra/tls/settled-watch.js';

const EVERY_MS = 2_000;
const RETRY_MS = 30_000;

/**
 * The certificate of the API itself, where it serves HTTPS. Its files are followed: new connections get the new
 * certificate, those under way go on.
 */
@Injectable()
export class ApiCertificate implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(ApiCertificate.name);
  private watch: SettledWatch | null = null;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Before the server listens. Throws ConfigError. */
  async onApplicationBootstrap(): Promise<void> {
    const { tls } = this.config.http;
    if (tls === null) return;
    const source = new PairSource({ certificate: tls.certificateFile, key: tls.keyFile, ca: null });
    const known = await source.digest();
    await this.adopt(source).catch((error: unknown) => {
      throw new ConfigError([source.explain(error)]);
    });
    this.watch = new SettledWatch({
      known,
      read: () => source.digest(),
      onChange: () => this.replace(source),
      everyMs: EVERY_MS,
      retryMs: RETRY_MS,
    });
    this.watch.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.watch?.stop();
  }

  private async replace(source: PairSource): Promise<boolean> {
    try {
      const serial = await this.adopt(source);
      this.logger.log(`The API serves the new certificate ${serial}`);
      return true;
    } catch (error) {
      this.logger.error(`${source.explain(error)}; the API keeps its certificate`);
      return false;
    }
  }

  private async adopt(source: PairSource): Promise<string> {
    const { leaf, chain, key } = parsePair(await source.read());
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    server.setSecureContext({ cert: chain, key });
    return leaf.serialNumber;
  }
}
