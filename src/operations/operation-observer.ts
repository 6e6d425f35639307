import type { Operation } from './operation.types.js';

/** Told of each step by the process that runs it. None is bound by default. */
export abstract class OperationObserver {
  abstract stepStarted(operation: Operation, step: string): void | Promise<void>;

  /** The step has run, which is not recorded yet. */
  abstract stepFinished(operation: Operation, step: string): void | Promise<void>;
}
