import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { SQLSTATE } from '../../../infra/postgres/sqlstate.js';
import { RowhouseError } from '../../../kernel/errors.js';
import { inParallel } from '../../../kernel/in-parallel.js';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { installShared } from '../hosts/shared-installation.js';
import { type PartitionedTable, readCatalog } from './partition-catalog.js';
import { countStrayRows, type StrayAnswer } from './partition-default-rows.js';
import {
  newOutcome,
  type PartitionFailure,
  type PartitionOutcome,
  PartitionProblem,
  type PartitionTarget,
  toFailure,
} from './partition-outcome.js';
import { type PartitionRule, type PartitionTimetable, timetableOf } from './partition-plan.js';
import { type PartitionStep, planSteps } from './partition-steps.js';

/** Tenants of one database worked on at a time. */
const TENANTS_AT_A_TIME = 2;
/** Before each look at what is still to do: so often somebody who was busy gets another chance. */
const PAUSES_MS = [0, 500, 1_000, 2_000, 4_000];

/** After these, more statements on the same table would only wait again. */
const STOPS: ReadonlySet<string> = new Set([
  SQLSTATE.lockNotAvailable,
  SQLSTATE.deadlockDetected,
  SQLSTATE.queryCanceled,
]);

/** Somebody held a lock, or did the same at the same moment: looking again shows what is left to do. */
const WORTH_ANOTHER_LOOK: ReadonlySet<string> = new Set([
  SQLSTATE.lockNotAvailable,
  SQLSTATE.deadlockDetected,
  SQLSTATE.duplicateTable,
  SQLSTATE.uniqueViolation,
  SQLSTATE.invalidObjectDefinition,
  SQLSTATE.checkViolation,
]);

const ABSENT: ReadonlySet<string> = new Set([SQLSTATE.invalidSchemaName, SQLSTATE.undefinedTable]);

export interface PartitionPlace {
  readonly server: ManagedServer;
  readonly databaseName: string;
}

export interface PartitionRequest {
  readonly rule: PartitionRule;
  readonly now: Date;
  readonly moveDefaultRows: boolean;
  /** Tells what would be done, and does nothing. */
  readonly dryRun: boolean;
  /** Whether a tenant without the table is a failure; else it is passed over. */
  readonly expectTable: boolean;
  readonly signal: AbortSignal;
}

interface TimedRequest extends PartitionRequest {
  readonly timetable: PartitionTimetable;
}

/** What is to do for one target. */
interface Task {
  readonly outcome: PartitionOutcome;
  readonly steps: readonly PartitionStep[];
}

/**
 * Keeps one partitioned table of many schemas as a rule wants it. Each round looks at all of them in one query and acts on
 * those that need it; who is busy is left to the next round, so that nobody waits for anybody. Throws only what concerns
 * the whole database: it is away, or refuses the login.
 */
@Injectable()
export class PartitionKeeper {
  constructor(private readonly connections: HostConnections) {}

  async maintain(
    place: PartitionPlace,
    targets: readonly PartitionTarget[],
    request: PartitionRequest,
  ): Promise<PartitionOutcome[]> {
    const timetable = timetableOf(request.rule, request.now);
    const outcomes = targets.map(newOutcome);
    let open = outcomes;
    for (const pauseMs of PAUSES_MS) {
      await pause(pauseMs, undefined, { signal: request.signal });
      const tasks = await this.look(place, open, { ...request, timetable });
      await this.act(place, tasks, request);
      open = open.filter(({ failures }) => failures.some(({ sqlState }) => WORTH_ANOTHER_LOOK.has(sqlState)));
      if (open.length === 0) break;
    }
    return outcomes;
  }

  /** Writes down what stands in the way, and returns what can be done. */
  private look(
    { server, databaseName }: PartitionPlace,
    outcomes: readonly PartitionOutcome[],
    request: TimedRequest,
  ): Promise<Task[]> {
    const { rule, names } = request.timetable;
    const schemas = outcomes.map(({ target }) => target.schemaName);
    return this.connections.use(server, databaseName, async (client) => {
      await installShared(client).catch(asProblem);
      const catalog = await readCatalog(client, { schemas, table: rule.table, names });
      const tables = [...catalog.values()].filter((found) => 'partitions' in found);
      const strayRows = await countStrayRows(client, rule, tables);
      return outcomes.flatMap((outcome) => {
        outcome.failures.splice(0);
        const found = catalog.get(outcome.target.schemaName);
        return found ? toTask(outcome, { found, strayRows }, request) : [];
      });
    });
  }

  private act({ server, databaseName }: PartitionPlace, tasks: readonly Task[], request: PartitionRequest) {
    const { dryRun, signal } = request;
    const due = tasks.filter(({ steps }) => steps.length > 0);
    return inParallel(due, TENANTS_AT_A_TIME, async ({ outcome, steps }) => {
      signal.throwIfAborted();
      if (dryRun) for (const step of steps) step.note(outcome);
      else await this.connections.use(server, databaseName, (client) => perform(client, steps, outcome));
    });
  }
}

/** Somebody else's schema `shared` concerns this database only. */
function asProblem(error: unknown): never {
  if (!(error instanceof RowhouseError)) throw error;
  throw new PartitionProblem(SQLSTATE.insufficientPrivilege, error.detail);
}

function toTask(
  outcome: PartitionOutcome,
  { found, strayRows }: { found: PartitionedTable | PartitionFailure; strayRows: StrayAnswer },
  request: TimedRequest,
): Task[] {
  if (!('partitions' in found)) {
    if (!ABSENT.has(found.sqlState) || isExpected(outcome, request)) outcome.failures.push(found);
    return [];
  }
  const stray = strayRows.get(found) ?? [];
  if ('sqlState' in stray) {
    outcome.failures.push(stray);
    return [];
  }
  const { steps, defaultRows } = planSteps(request.timetable, { table: found, strayRows: stray }, request);
  noteDefaultRows(outcome, defaultRows);
  return [{ outcome, steps }];
}

/** A schema in stock may have been dropped a moment ago. */
function isExpected({ target }: PartitionOutcome, { expectTable }: PartitionRequest): boolean {
  return expectTable && target.tenantId !== null;
}

/** What an earlier round has moved stays told. */
function noteDefaultRows(outcome: PartitionOutcome, found: PartitionOutcome['defaultRows']): void {
  const moved = outcome.defaultRows.filter((rows) => rows.moved);
  outcome.defaultRows.splice(0, Infinity, ...moved, ...found);
}

/** Does the steps one after the other; what fails is written down and stops only the steps that would fail likewise. */
async function perform(
  client: ClientBase,
  steps: readonly PartitionStep[],
  outcome: PartitionOutcome,
): Promise<void> {
  for (const step of steps) {
    const failure = await attempt(client, step, outcome);
    if (!failure) continue;
    const isDivisible = step.parts.length > 0 && !STOPS.has(failure.sqlState);
    if (isDivisible) await perform(client, step.parts, outcome);
    else outcome.failures.push(failure);
    if (STOPS.has(failure.sqlState)) return;
  }
}

async function attempt(
  client: ClientBase,
  step: PartitionStep,
  outcome: PartitionOutcome,
): Promise<PartitionFailure | null> {
  try {
    await step.run(client);
    step.note(outcome);
    return null;
  } catch (error) {
    return toFailure(error, step.partition);
  }
}
