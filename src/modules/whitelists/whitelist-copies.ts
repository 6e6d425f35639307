import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { HomeRef } from './whitelist-home.js';
import { WhitelistHomes } from './whitelist-homes.js';
import { WhitelistsRepository } from './whitelists.repository.js';

/** Lists of homes that are copies of others. */
@Injectable()
export class WhitelistCopies {
  constructor(
    private readonly homes: WhitelistHomes,
    private readonly repository: WhitelistsRepository,
  ) {}

  /** Gives a home that nobody can log in to yet the list of another, in the caller's transaction. Returns its size. */
  async copy(tx: EntityManager, from: HomeRef, to: HomeRef): Promise<number> {
    const size = await this.repository.copy(tx, from, to);
    if (size > 0) await this.homes.bumpRevision(tx, to);
    return size;
  }
}
