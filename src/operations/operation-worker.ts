import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { OperationRepository } from './operation.repository.js';
import type { OperationLane } from './operation.types.js';
import { OperationHandlers } from './operation-handlers.js';
import type { GrantedOperation } from './operation-run.js';
import { OperationRunner } from './operation-runner.js';

const POLL_MS = 1_000;
/** Creating and dropping in parallel gains little on one server and costs locks; what waits is only background work. */
const ROOM: Readonly<Record<OperationLane, number>> = { short: 4, long: 8, waiting: 8, dropping: 4 };
const LANES: readonly OperationLane[] = ['short', 'long', 'waiting', 'dropping'];

/** Takes up what waits: enqueued operations, due retries, and what a process that died left behind. */
@Injectable()
export class OperationWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Operations');
  private readonly running: Record<OperationLane, number> = { short: 0, long: 0, waiting: 0, dropping: 0 };
  private isStopped = false;
  private isAway = false;
  private isPolling = false;
  private isAskedFor = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly handlers: OperationHandlers,
    private readonly repository: OperationRepository,
    private readonly runner: OperationRunner,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.role !== 'api') this.pollLater(0);
  }

  onModuleDestroy(): void {
    this.isStopped = true;
    if (this.timer) clearTimeout(this.timer);
  }

  private pollLater(ms: number): void {
    if (this.isStopped) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.poll(), ms);
  }

  private pollSoon(): void {
    if (this.isPolling) this.isAskedFor = true;
    else this.pollLater(0);
  }

  private async poll(): Promise<void> {
    if (this.isPolling) return;
    this.isPolling = true;
    this.isAskedFor = false;
    try {
      for (const lane of LANES) await this.takeUp(lane);
      this.noteAvailable();
    } catch (error) {
      this.noteAway(error);
    } finally {
      this.isPolling = false;
      this.pollLater(this.isAskedFor ? 0 : POLL_MS);
    }
  }

  private async takeUp(lane: OperationLane): Promise<void> {
    const room = ROOM[lane] - this.running[lane];
    if (room === 0) return;
    const grantedAt = performance.now();
    const acquired = await this.repository.acquire(
      this.handlers.kindsOf(lane),
      room,
      this.config.operations.leaseSeconds,
    );
    for (const operation of acquired) void this.run(lane, { ...operation, grantedAt });
  }

  /** What an end enqueued, and what waited for room, is looked for at once. */
  private async run(lane: OperationLane, granted: GrantedOperation): Promise<void> {
    this.running[lane] += 1;
    await this.runner.start(granted).ended;
    this.running[lane] -= 1;
    this.pollSoon();
  }

  private noteAway(error: unknown): void {
    if (!this.isAway) this.logger.warn('Operations wait: the control database does not answer', error);
    this.isAway = true;
  }

  private noteAvailable(): void {
    if (this.isAway) this.logger.log('Operations go on: the control database answers again');
    this.isAway = false;
  }
}
