import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { OperationRepository } from './operation.repository.js';
import { OperationHandlers } from './operation-handlers.js';
import type { GrantedOperation } from './operation-run.js';
import { OperationRunner } from './operation-runner.js';

const POLL_MS = 1_000;
/** Creating and dropping in parallel gains little on one server and costs locks; what waits is only background work. */
const ROOM = 4;
const ROOM_FOR_LONG = 8;

/** Operations that share room. */
interface Lane {
  readonly areLong: boolean;
  readonly room: number;
  running: number;
}

/** Takes up what waits: enqueued operations, due retries, and what a process that died left behind. */
@Injectable()
export class OperationWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Operations');
  private readonly lanes: readonly Lane[] = [
    { areLong: false, room: ROOM, running: 0 },
    { areLong: true, room: ROOM_FOR_LONG, running: 0 },
  ];
  private isStopped = false;
  private isAway = false;
  private isPolling = false;
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

  private async poll(): Promise<void> {
    if (this.isPolling) return;
    this.isPolling = true;
    try {
      for (const lane of this.lanes) await this.takeUp(lane);
      this.noteAvailable();
    } catch (error) {
      this.noteAway(error);
    } finally {
      this.isPolling = false;
      this.pollLater(POLL_MS);
    }
  }

  private async takeUp(lane: Lane): Promise<void> {
    const room = lane.room - lane.running;
    if (room === 0) return;
    const grantedAt = performance.now();
    const acquired = await this.repository.acquire(
      this.handlers.kinds(lane),
      room,
      this.config.operations.leaseSeconds,
    );
    for (const operation of acquired) void this.run(lane, { ...operation, grantedAt });
  }

  /** What an end enqueued, and what waited for room, is looked for at once. */
  private async run(lane: Lane, granted: GrantedOperation): Promise<void> {
    lane.running += 1;
    await this.runner.start(granted).ended;
    lane.running -= 1;
    this.pollLater(0);
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
