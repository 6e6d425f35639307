const MAX_STOCK = 20;

/**
 * How many finished homes to keep: at least the configured number, and as many as were asked for in the last minute,
 * within reason. A stock that demand made does not shrink again; it is used up. 0 turns the warm pool off.
 */
export function stockTarget(configured: number, lastMinute: number): number {
  if (configured === 0) return 0;
  return Math.max(configured, Math.min(lastMinute, MAX_STOCK));
}
