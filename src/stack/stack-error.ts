/** Why the local stack cannot run: one line that says what is wrong and how to mend it, and log lines that show it. */
export class StackError extends Error {
  constructor(
    message: string,
    readonly details: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StackError';
  }
}
