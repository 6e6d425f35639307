import { Client } from 'pg';
import type { SessionSeals } from '../../../infra/postgres/session-seal.js';
import type { LoginWindow } from './login-window.js';
import { StatementWatch } from './statement-watch.js';

/** A class of sessions that come in through the window, and are sealed and watched before anybody uses them. */
export function workerClient(
  window: LoginWindow,
  seals: SessionSeals,
  terminate: (pid: number) => Promise<unknown>,
): typeof Client {
  return class WorkerClient extends Client {
    override connect(): Promise<this>;
    override connect(callback: (error: Error) => void): void;
    override connect(callback?: (error: Error) => void): Promise<this> | undefined {
      const entered = window.through(() => this.enter());
      if (!callback) return entered.then(() => this);
      entered.then(() => callback(null as unknown as Error), callback);
    }

    private async enter(): Promise<void> {
      this.on('error', () => {});
      await super.connect();
      await seals.seal(this);
      const { processID } = this as unknown as { processID: number };
      new StatementWatch(this, () => terminate(processID)).start();
    }
  };
}
