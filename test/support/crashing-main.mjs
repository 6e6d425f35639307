import { startApp } from '../../dist/bootstrap.js';
import { loadConfig } from '../../dist/config/load-config.js';
import { OperationObserver } from '../../dist/operations/operation-observer.js';

/** `kind/step`: the process dies, as by a power cut, when that step has run and before this is recorded. */
const [crashKind, crashStep] = (process.env.CRASH_AFTER ?? '').split('/');

class Crash extends OperationObserver {
  stepStarted() {}

  stepFinished({ kind }, step) {
    if (kind === crashKind && step === crashStep) process.kill(process.pid, 'SIGKILL');
  }
}

class CrashModule {}

const crash = {
  module: CrashModule,
  global: true,
  providers: [{ provide: OperationObserver, useClass: Crash }],
  exports: [OperationObserver],
};

const { app } = await startApp(loadConfig(), { modules: [crash] });
process.once('SIGTERM', () => app.close().then(() => process.exit(0)));
