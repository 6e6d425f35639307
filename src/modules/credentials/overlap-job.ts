import { Inject, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { systemContext } from '../../http/request-context.js';
import { isUnavailable } from '../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../kernel/errors.js';
import type { Operation } from '../../operations/operation.types.js';
import { OperationsService } from '../../operations/operations.service.js';
import { LoginSessions } from '../../provisioning/logins/login-sessions.js';
import { OverlapWatch, type WatchedOverlap } from '../../provisioning/logins/overlap-watch.js';
import type { ManagedServer } from '../../provisioning/managed-server.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { OverlapEnd } from './overlap-end.js';

const CHECK_INTERVAL_MS = 500;
const WATCH_INTERVAL_MS = 1_000;

/** Ends overlaps in time. However many processes look, each is ended by the one that claims it. */
@Injectable()
export class OverlapJob {
  private readonly logger = new Logger('Credentials');
  private isEnding = false;
  private isWatching = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly watch: OverlapWatch,
    private readonly sessions: LoginSessions,
    private readonly servers: ServerRegistry,
    private readonly end: OverlapEnd,
    private readonly operations: OperationsService,
  ) {}

  @Interval(CHECK_INTERVAL_MS)
  async endDue(): Promise<void> {
    if (this.config.role === 'api' || this.isEnding) return;
    this.isEnding = true;
    try {
      for (let begun = await this.beginOne(); begun; begun = await this.beginOne()) {
        await this.operations.run(begun, 0);
      }
    } catch (error) {
      this.report(error);
    } finally {
      this.isEnding = false;
    }
  }

  @Interval(WATCH_INTERVAL_MS)
  async noteUse(): Promise<void> {
    if (this.config.role === 'api' || this.isWatching) return;
    this.isWatching = true;
    try {
      const watched = await this.watch.findWatched();
      await Promise.all(this.servers.list().map(({ server }) => server && this.noteUseOn(server, watched)));
    } catch (error) {
      this.report(error);
    } finally {
      this.isWatching = false;
    }
  }

  /** A server that is away keeps nobody from looking at the others. */
  private async noteUseOn(server: ManagedServer, watched: readonly WatchedOverlap[]): Promise<void> {
    const names = watched.filter(({ serverId }) => serverId === server.id).map(({ username }) => username);
    if (names.length === 0) return;
    try {
      await this.watch.noteUse(names, [...(await this.sessions.findUsed(server, names))]);
    } catch (error) {
      this.report(error);
    }
  }

  private beginOne(): Promise<Operation | null> {
    return this.dataSource
      .transaction(async (tx) => {
        const due = await this.watch.findDue(tx);
        return due && this.end.begin(tx, systemContext('overlaps'), due);
      })
      .catch(noneWhenBusy);
  }

  private report(error: unknown): void {
    if (!isUnavailable(error)) this.logger.error('Overlaps of logins could not be looked after', error);
  }
}

/** Somebody began an operation on the home in the same moment: the next look finds it again. */
function noneWhenBusy(error: unknown): null {
  if (error instanceof RowhouseError && error.code === 'RESOURCE_BUSY') return null;
  throw error;
}
