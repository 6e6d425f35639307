import { EVERYWHERE, type HbaLine } from './hba-line.js';

/**
 * A database that is not there. An HBA file tells by its line for it whether it is the one that the server goes by: each
 * new text says the opposite of what the server does when somebody asks for this database.
 */
export const PROBE_DATABASE = 'rowhouse_access';

/** Whether who asks for it is asked for a password, or turned away before. */
export type ProbeAnswer = 'admits' | 'refuses';

const PROBE_LINE = new RegExp(`^local "${PROBE_DATABASE}" .*(scram-sha-256|reject)$`, 'm');

export function opposite(answer: ProbeAnswer): ProbeAnswer {
  return answer === 'admits' ? 'refuses' : 'admits';
}

/** The lines that make the server give this answer to everybody who asks as `user`. */
export function probeLines(user: string, answer: ProbeAnswer): HbaLine[] {
  const method = answer === 'admits' ? 'scram-sha-256' : 'reject';
  const line = { databases: [PROBE_DATABASE], users: [user], method } as const;
  return [
    { ...line, type: 'local', network: null },
    ...EVERYWHERE.map((network): HbaLine => ({ ...line, type: 'host', network })),
  ];
}

/** What a file with such lines makes the server answer; null for any other file. */
export function probeAnswerIn(text: string): ProbeAnswer | null {
  const [, method] = PROBE_LINE.exec(text) ?? [];
  if (method === undefined) return null;
  return method === 'reject' ? 'refuses' : 'admits';
}
