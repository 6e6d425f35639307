import type { ClientBase } from 'pg';
import type { AttachedPartition, PartitionedTable } from './partition-catalog.js';
import type { StrayRows } from './partition-default-rows.js';
import { detachPartition, retirePartition } from './partition-detach.js';
import { movePartition } from './partition-move.js';
import type { DefaultRows, PartitionOutcome } from './partition-outcome.js';
import {
  expiredPartitions,
  missingPartitions,
  type PartitionCalendar,
  type PartitionRule,
  type PartitionTimetable,
  type Period,
  type PlannedPartition,
  periodFrom,
} from './partition-plan.js';
import { createPartition, dropPartition, PATIENCE } from './partition-sql.js';

/** One thing to do to one table, in a session of its owner. */
export interface PartitionStep {
  /** The partition that it is about; null when it is about several. */
  readonly partition: string | null;
  /** The same in smaller parts, for when the whole fails. */
  readonly parts: readonly PartitionStep[];
  run(client: ClientBase): Promise<void>;
  /** Writes down that it was done. */
  note(outcome: PartitionOutcome): void;
}

/** A message holds a lock for each table, index and constraint that it makes. */
const CREATIONS_A_MESSAGE = 32;

/** What a table needs to be as the rule wants it: creations first, since a missing partition hurts most. */
export function planSteps(
  { rule, calendars }: PartitionTimetable,
  found: { table: PartitionedTable; strayRows: readonly StrayRows[] },
  { moveDefaultRows }: { moveDefaultRows: boolean },
): { steps: PartitionStep[]; defaultRows: DefaultRows[] } {
  const { table } = found;
  const calendar = calendars[table.keyType];
  const stray = found.strayRows.map(({ start, rows }) => {
    const period = start === null ? null : periodFrom(rule, start, table.keyType);
    return { period, rows };
  });
  const labels = new Set(stray.map(({ period }) => period?.label));
  const movable = stray.flatMap(({ period }) => (period && isKept(period, calendar) ? [period] : []));
  const wanted = moveDefaultRows ? union(calendar.periods, movable) : calendar.periods;
  const planned = missingPartitions(wanted, rule.table, table);
  const creations = planned.filter(({ period }) => !labels.has(period));
  const moves = moveDefaultRows ? planned.filter(({ period }) => labels.has(period)) : [];
  return {
    steps: [
      ...chunks(creations).map((chunk) => creationStep(table, chunk)),
      ...moves.map((partition) => moveStep(table, partition)),
      ...expiredPartitions(calendar, table.partitions).map((partition) => retireStep(rule, table, partition)),
      ...(rule.onRetention === 'drop' ? doomedSteps(table, calendar) : []),
    ],
    defaultRows: stray.map(({ period, rows }) => ({ period: period?.label ?? null, rows, moved: false })),
  };
}

function isKept({ range }: Period, { expiredBefore }: PartitionCalendar): boolean {
  return range.to > expiredBefore;
}

function union(periods: readonly Period[], more: readonly Period[]): Period[] {
  const byLabel = new Map([...more, ...periods].map((period) => [period.label, period]));
  return [...byLabel.values()].sort((one, other) => one.range.from - other.range.from);
}

function chunks(planned: readonly PlannedPartition[]): PlannedPartition[][] {
  const count = Math.ceil(planned.length / CREATIONS_A_MESSAGE);
  return Array.from({ length: count }, (_, at) =>
    planned.slice(at * CREATIONS_A_MESSAGE, (at + 1) * CREATIONS_A_MESSAGE),
  );
}

/** One message, which is one transaction. */
function creationStep(table: PartitionedTable, planned: readonly PlannedPartition[]): PartitionStep {
  const [only, ...others] = planned;
  const isOne = others.length === 0;
  return {
    partition: isOne ? (only?.name ?? null) : null,
    parts: isOne ? [] : planned.map((partition) => creationStep(table, [partition])),
    run: async (client) => {
      const creations = planned.map((partition) => createPartition(table, partition));
      await client.query([PATIENCE, ...creations].join('; '));
    },
    note: ({ created }) => created.push(...planned.map(({ name }) => name)),
  };
}

function moveStep(table: PartitionedTable, partition: PlannedPartition): PartitionStep {
  return {
    partition: partition.name,
    parts: [],
    run: (client) => movePartition(client, table, partition),
    note: ({ created, defaultRows }) => {
      created.push(partition.name);
      const at = defaultRows.findIndex(({ period }) => period === partition.period);
      const found = defaultRows[at];
      if (found) defaultRows[at] = { ...found, moved: true };
    },
  };
}

function retireStep(
  { onRetention }: PartitionRule,
  table: PartitionedTable,
  partition: AttachedPartition,
): PartitionStep {
  const retire = onRetention === 'drop' ? retirePartition : detachPartition;
  return {
    partition: partition.name,
    parts: [],
    run: (client) => retire(client, table, partition),
    note: (outcome) => outcome[onRetention === 'drop' ? 'dropped' : 'detached'].push(partition.name),
  };
}

/** What an interrupted run had detached and not dropped yet. */
function doomedSteps(table: PartitionedTable, { expiredBefore }: PartitionCalendar): PartitionStep[] {
  return table.doomed
    .filter(({ to }) => to <= expiredBefore)
    .map((doomed) => ({
      partition: doomed.name,
      parts: [],
      run: async (client) => void (await client.query(`${PATIENCE}; ${dropPartition(doomed)}`)),
      note: ({ dropped }) => dropped.push(doomed.name),
    }));
}
