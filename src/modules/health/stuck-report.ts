import { Injectable } from '@nestjs/common';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import { describeSession, type StuckSession, StuckSessions } from '../../provisioning/stuck-sessions.js';
import type { HealthPartDto } from './health.dto.js';
import { runProbe } from './probe.js';

const NAMED = 5;

/** Whether sessions live on that were told to end, by server. They keep databases from being dropped and nothing else. */
@Injectable()
export class StuckReport {
  constructor(
    private readonly servers: ServerRegistry,
    private readonly stuck: StuckSessions,
  ) {}

  parts(): Promise<HealthPartDto[]> {
    return Promise.all(this.servers.list().map((server) => this.part(server)));
  }

  private async part(server: { id: string; name: string }): Promise<HealthPartDto> {
    let sessions: StuckSession[] = [];
    const ask = async () => {
      sessions = await this.stuck.list(server);
    };
    const part = await runProbe({ name: `sessions of ${server.name}`, needed: false, ask });
    return sessions.length === 0 ? part : { ...part, status: 'down', reason: reasonFor(sessions) };
  }
}

/** Its role and database are named: without them nobody could end it. */
function reasonFor(sessions: readonly StuckSession[]): string {
  const named = sessions.slice(0, NAMED).map(describeSession).join(', ');
  const rest = sessions.length > NAMED ? ` and ${sessions.length - NAMED} more` : '';
  return `told to end, and still there: ${named}${rest}; no database can be dropped meanwhile`;
}
