/**
 * `Promise.all` that waits for the others also when one fails, so that nothing works on behind whoever clears up. Throws
 * the failure of the first in the list.
 */
export async function settleAll<const Work extends readonly Promise<unknown>[]>(
  work: Work,
): Promise<{ -readonly [At in keyof Work]: Awaited<Work[At]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
