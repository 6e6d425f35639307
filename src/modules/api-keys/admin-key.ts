import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { systemContext } from '../../http/request-context.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';

/** Makes sure that somebody can use the API at all. */
@Injectable()
export class AdminKey {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly keys: ApiKeysRepository,
    private readonly service: ApiKeysService,
  ) {}

  /** Makes an admin key when there is none, and returns it: it can't be shown again. Any number of processes may ask. */
  async ensure(): Promise<string | null> {
    if (this.config.apiKey !== null) return null;
    return this.keys.transaction(async (tx) => {
      await this.keys.lockAdmins(tx);
      if (await this.keys.hasAdmin(tx, null)) return null;
      return this.service.createWithin(tx, systemContext('setup'), { name: 'admin', scopes: ['*'] });
    });
  }
}
