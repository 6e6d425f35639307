import { Logger } from '@nestjs/common';
import { opposite, type ProbeAnswer, probeAnswerIn } from '../../infra/hba/probe.js';
import { RowhouseError } from '../../kernel/errors.js';
import { pollUntil } from '../poll.js';
import type { AccessPlan } from './access-plan.js';
import type { Gate } from './gate.js';
import { renderGuards } from './guard-lines.js';

const PATIENCE_MS = 15_000;

export type Undo = () => Promise<void>;

/** Puts plans in force at one port. Its caller sees to it that nobody else does so meanwhile. */
export class GuardedPort {
  private readonly logger = new Logger(GuardedPort.name);
  /** The file's text as it was when the server was last seen to go by it. */
  private seen: string | null = null;

  constructor(private readonly gate: Gate) {}

  /** The next `apply` asks the server again whether it goes by the file. */
  forget(): void {
    this.seen = null;
  }

  read(): Promise<string> {
    return this.gate.read();
  }

  /** Whether the text of the file is that of the plan; the server may not have read it yet. */
  says(plan: AccessPlan, text: string): boolean {
    return this.isTextOf(renderGuards(plan, this.gate.port), text);
  }

  /** Returns what takes it back. Throws after taking it back itself. */
  async apply(plan: AccessPlan): Promise<Undo> {
    const { gate } = this;
    const guards = renderGuards(plan, gate.port);
    const former = await gate.read();
    if (this.isTextOf(guards, former) && (await this.isLive(former))) return async () => {};
    const answer = opposite(await gate.ask());
    const text = gate.render(former, guards, answer);
    try {
      await this.put(text, answer);
    } catch (error) {
      await this.restore(former);
      throw error;
    }
    return () => this.restore(former);
  }

  private isTextOf(guards: string, text: string): boolean {
    return this.gate.render(text, guards, probeAnswerIn(text) ?? 'refuses') === text;
  }

  /** A process that died between writing and reloading left a file that the server does not know. */
  private async isLive(text: string): Promise<boolean> {
    const answer = probeAnswerIn(text);
    if (answer !== null && text !== this.seen && (await this.gate.ask()) !== answer) return false;
    this.seen = text;
    return true;
  }

  private async put(text: string, answer: ProbeAnswer): Promise<void> {
    this.seen = null;
    await this.gate.write(text);
    await this.gate.reload();
    await this.confirm(answer);
    this.seen = text;
  }

  private async confirm(answer: ProbeAnswer): Promise<void> {
    const { name, suspicion } = this.gate;
    const patience = { timeoutMs: PATIENCE_MS, what: `${name} to go by its new rules` };
    try {
      await pollUntil(async () => (await this.gate.ask()) === answer, patience);
    } catch (error) {
      if (!(error instanceof RowhouseError)) throw error;
      throw new RowhouseError('OPERATION_FAILED', `${name} does not go by its rules: ${suspicion}.`);
    }
  }

  /** What cannot be undone now, because the server is away, is put right by the next `apply`. */
  private async restore(former: string): Promise<void> {
    this.seen = null;
    try {
      await this.gate.write(former);
      await this.gate.reload();
    } catch (error) {
      this.logger.warn(`${this.gate.name} could not be told to go back to its former rules`, error);
    }
  }
}
