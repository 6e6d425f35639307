import { RowhouseError } from '../../kernel/errors.js';

/** Does something with a file; a failure says which file could not be `read` or `written`, and why. */
export async function attemptOnFile<T>(
  path: string,
  what: 'read' | 'written',
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RowhouseError('OPERATION_FAILED', `${path} could not be ${what} (${code}).`, { cause: error });
  }
}
