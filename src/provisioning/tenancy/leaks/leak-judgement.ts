/** What happened at a door during one attack. */
export interface LeakObservation {
  /** How many statements A sent, and those that were refused, with the reason. */
  readonly statements: number;
  readonly refusals: readonly string[];
  /** Values that A saw. */
  readonly seenByA: readonly string[];
  /** What B got for `SELECT note FROM products`; null when that failed. */
  readonly readByB: readonly string[] | null;
  /** Values that B saw besides, notifications too. */
  readonly seenByB: readonly string[];
  /** The server processes that worked for them. */
  readonly processA: number | null;
  readonly processB: number | null;
}

/** The one row that each of the two has. */
export interface LeakNotes {
  readonly a: string;
  readonly b: string;
}

/**
 * `blocked`: nothing of the attack was let through. `safe`: it was, and showed nothing. `broken`: B could not read its
 * own row, or another one.
 */
export type LeakOutcome = 'safe' | 'blocked' | 'leak' | 'broken';

export interface LeakVerdict {
  readonly outcome: LeakOutcome;
  readonly detail: string;
}

export function judge(seen: LeakObservation, notes: LeakNotes): LeakVerdict {
  if (includes(seen.seenByA, notes.b)) return { outcome: 'leak', detail: "A saw B's row." };
  if (includes([...seen.seenByB, ...(seen.readByB ?? [])], notes.a))
    return { outcome: 'leak', detail: "B saw A's row." };
  if (seen.readByB === null) return { outcome: 'broken', detail: 'B could not read its own row any more.' };
  if (seen.readByB.join() !== notes.b)
    return { outcome: 'broken', detail: `B got ${seen.readByB.length} rows, none of them A's.` };
  if (seen.refusals.length === seen.statements)
    return { outcome: 'blocked', detail: `Refused: ${seen.refusals.join('; ')}.` };
  return {
    outcome: 'safe',
    detail: `B saw its own row only${describeRefusals(seen)}${describeConnection(seen)}.`,
  };
}

function includes(values: readonly string[], note: string): boolean {
  return values.some((value) => value.includes(note));
}

function describeRefusals({ refusals }: LeakObservation): string {
  return refusals.length === 0 ? '' : `; refused: ${refusals.join('; ')}`;
}

function describeConnection({ processA, processB }: LeakObservation): string {
  return processA !== null && processA === processB ? ', on the server connection that A had used' : '';
}
