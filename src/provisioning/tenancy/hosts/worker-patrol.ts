import { Injectable, Logger } from '@nestjs/common';
import { FIND_WORKERS, type WorkerSession } from '../../../infra/postgres/blockers-sql.js';
import type { ManagedServer } from '../../managed-server.js';

/** Ends sessions of workers that Rowhouse did not open. */
@Injectable()
export class WorkerPatrol {
  private readonly logger = new Logger(WorkerPatrol.name);

  async sweep(server: ManagedServer): Promise<void> {
    const sessions = await server.postgres.query<WorkerSession & Record<string, unknown>>(FIND_WORKERS);
    for (const { role, pid } of await server.postgres.endUnsealed(sessions)) {
      this.logger.warn(
        `Server "${server.name}": ended the session ${pid} of ${role}, which Rowhouse had not opened`,
      );
    }
  }
}
