import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval, Timeout } from '@nestjs/schedule';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { ServerRegistry } from '../server-registry.js';
import { HostProvisioner } from '../tenancy/hosts/host-provisioner.js';
import { readHostNames } from './expected-tenancy.js';

const AFTER_START_MS = 5_000;
const EVERY_HOUR_MS = 60 * 60_000;

/** Brings the schemas `shared` that an earlier release made up to date, one host after the other. */
@Injectable()
export class SharedUpgradeJob {
  private readonly logger = new Logger(SharedUpgradeJob.name);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly servers: ServerRegistry,
    private readonly hosts: HostProvisioner,
  ) {}

  @Timeout(AFTER_START_MS)
  async runAfterStart(): Promise<void> {
    await this.run();
  }

  @Interval(EVERY_HOUR_MS)
  async run(): Promise<void> {
    if (this.config.role === 'api') return;
    for (const { server } of this.servers.list()) {
      if (!server) continue;
      const names = await readHostNames(this.dataSource, server.id).catch((error: unknown) => {
        this.logger.error('The hosts could not be listed', error);
        return [];
      });
      for (const name of names) {
        await this.hosts
          .upgrade(server, name)
          .catch((error: unknown) => this.logger.warn(`The schema shared of ${name} stays as it is`, error));
      }
    }
  }
}
