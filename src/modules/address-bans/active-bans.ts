import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { CONFIG, type Config } from '../../config/config.js';
import { AddressBans, type BanCause } from '../../http/address-bans.js';
import { systemContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { RedisConnection } from '../../infra/redis/redis-connection.js';
import { Clock } from '../../kernel/clock.js';
import { newId } from '../../kernel/ids.js';
import { type AddressBan, AddressBansRepository } from './address-bans.repository.js';
import { AddressBanDto } from './dto/address-ban.dto.js';

const CHANNEL = 'rowhouse:address-bans:changed';
/** Without Redis, how late a process hears of what others ban or lift. */
const RELOAD_EVERY_MS = 5_000;
const PURGE_EVERY_MS = 60 * 60_000;

interface Unsaved {
  readonly ban: AddressBan;
  readonly cause: BanCause;
}

/** The bans in force, in memory. The control database keeps them; Redis tells the other processes of a change at once. */
@Injectable()
export class ActiveBans extends AddressBans implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger('AddressBans');
  private until = new Map<string, number>();
  /** Those that the control database could not take. */
  private readonly unsaved = new Map<string, Unsaved>();
  private saving: Promise<void> | null = null;
  private changes = 0;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly bans: AddressBansRepository,
    private readonly audit: AuditLog,
    private readonly redis: RedisConnection,
    private readonly clock: Clock,
  ) {
    super();
  }

  onModuleInit(): void {
    const reload = () => void this.reload();
    this.redis.subscribe(CHANNEL, reload, reload);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.reload();
  }

  bannedUntil(block: string): number | null {
    if (this.until.size === 0) return null;
    const until = this.until.get(block) ?? 0;
    return until > Date.now() ? until : null;
  }

  ban(block: string, cause: BanCause): void {
    if (this.bannedUntil(block) !== null) return;
    const createdAt = this.clock.now();
    const expiresAt = new Date(createdAt.getTime() + this.config.keyFailures.banSeconds * 1000);
    const ban = { id: newId(), network: block, failures: cause.failures, createdAt, expiresAt };
    this.changes += 1;
    this.until.set(block, expiresAt.getTime());
    this.unsaved.set(block, { ban, cause });
    this.logger.warn(`${block} is banned after ${cause.failures} wrong API keys`);
    // No client waits for it, least of all while the database is away.
    void this.save();
  }

  /** After a ban was lifted in the control database. */
  async forget(block: string): Promise<void> {
    this.changes += 1;
    this.until.delete(block);
    this.unsaved.delete(block);
    await this.tellOthers();
  }

  @Interval(RELOAD_EVERY_MS)
  async refresh(): Promise<void> {
    await this.save();
    await this.reload();
  }

  @Interval(PURGE_EVERY_MS)
  async purge(): Promise<void> {
    await this.bans.purge().catch((error) => this.logger.debug('Old bans stay for now', error));
  }

  private save(): Promise<void> {
    this.saving ??= this.saveAll().finally(() => {
      this.saving = null;
    });
    return this.saving;
  }

  private async saveAll(): Promise<void> {
    if (this.unsaved.size === 0) return;
    try {
      for (const [block, unsaved] of this.unsaved) {
        await this.store(unsaved);
        this.unsaved.delete(block);
      }
      await this.tellOthers();
    } catch (error) {
      this.logger.warn('A ban holds in this process only; storing it is tried again', error);
    }
  }

  private async store({ ban, cause }: Unsaved): Promise<void> {
    const actor = { ...systemContext('address-bans'), requestId: cause.requestId, address: cause.address };
    await this.bans.transaction(async (tx) => {
      if (!(await this.bans.insert(tx, ban))) return;
      await this.audit.record(tx, actor, {
        action: 'address-ban.create',
        resourceType: 'address-ban',
        resourceId: ban.id,
        after: AddressBanDto.of(ban),
        outcome: 'succeeded',
      });
    });
  }

  /** What was read while a ban came or went may be older than that; the next time tells. */
  private async reload(): Promise<void> {
    const { changes } = this;
    try {
      const rows = await this.bans.load();
      if (changes !== this.changes) return;
      const unsaved = [...this.unsaved.values()].map(({ ban }) => ban);
      this.until = new Map(
        [...rows, ...unsaved].map(({ network, expiresAt }) => [network, expiresAt.getTime()]),
      );
    } catch (error) {
      this.logger.debug('The bans in force could not be read; those known hold', error);
    }
  }

  private async tellOthers(): Promise<void> {
    await this.redis.ready?.publish(CHANNEL, '').catch(() => {});
  }
}
