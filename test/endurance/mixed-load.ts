import { setTimeout as pause } from 'node:timers/promises';
import type { ApiResponse } from '../support/api-response.js';
import { ACTIONS, type Subject } from './actions.js';

/** `lost`: nobody answered. `wrong`: an answer that may never be given. */
const OUTCOMES = ['done', 'refused', 'unavailable', 'lost', 'wrong'] as const;
type Outcome = (typeof OUTCOMES)[number];

const REST_MS = 100;
const NAMES = Object.entries(ACTIONS).flatMap(([name, { weight }]) => Array<string>(weight).fill(name));
/** Of the tripwires of the tests' client. */
const TRIPPED = /openapi\.yaml|audit row/;

/** Workers that do all kinds of things over the API, over and over. */
export class MixedLoad {
  readonly counts = new Map<string, Record<Outcome, number>>();
  readonly wrong: string[] = [];
  private isOver = false;
  private readonly workers: Promise<void>[];

  constructor(
    private readonly subject: Subject,
    workers: number,
  ) {
    this.workers = Array.from({ length: workers }, () => this.work());
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.workers);
  }

  get total(): number {
    return [...this.counts.values()].flatMap(Object.values<number>).reduce((sum, count) => sum + count, 0);
  }

  private async work(): Promise<void> {
    while (!this.isOver) {
      const name = NAMES[Math.floor(Math.random() * NAMES.length)] as string;
      const outcome = await this.run(name);
      if (outcome) this.countsOf(name)[outcome] += 1;
      if (outcome !== 'done') await pause(REST_MS);
    }
  }

  private async run(name: string): Promise<Outcome | null> {
    try {
      const answer = await ACTIONS[name]?.run(this.subject);
      return answer ? this.judge(answer) : null;
    } catch (error) {
      const { message } = error as Error;
      if (!TRIPPED.test(message)) return 'lost';
      this.wrong.push(`${name}: ${message}`);
      return 'wrong';
    }
  }

  private judge({ request, status, body }: ApiResponse<unknown>): Outcome {
    if (status < 400) return 'done';
    if (status < 500) return 'refused';
    if (status === 503 || status === 504) return 'unavailable';
    this.wrong.push(`${request} answered ${status} ${JSON.stringify(body)} ${this.logOf(body)}`);
    return 'wrong';
  }

  /** Why, in the words of the application. */
  private logOf(body: unknown): string {
    const { request_id: id } = body as { request_id?: string };
    const lines = this.subject.world.app.log.split('\n');
    return lines.filter((line) => id !== undefined && line.includes(id)).join('\n');
  }

  private countsOf(name: string): Record<Outcome, number> {
    const known = this.counts.get(name) ?? { done: 0, refused: 0, unavailable: 0, lost: 0, wrong: 0 };
    this.counts.set(name, known);
    return known;
  }
}

/** Adds up what several loads did, as lines of a table. */
export function renderCounts(loads: readonly MixedLoad[]): string {
  const lines = Object.keys(ACTIONS).map((name) => {
    const cells = OUTCOMES.map((outcome) =>
      loads.reduce((sum, load) => sum + (load.counts.get(name)?.[outcome] ?? 0), 0),
    );
    return name.padEnd(32) + cells.map((cell) => String(cell).padStart(13)).join('');
  });
  const head = 'action'.padEnd(32) + OUTCOMES.map((outcome) => outcome.padStart(13)).join('');
  return [head, ...lines].join('\n');
}
