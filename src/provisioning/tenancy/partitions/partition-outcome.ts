import { isUnavailable, sqlState } from '../../../infra/postgres/sqlstate.js';
import { isLostOwnership, LOST_OWNERSHIP } from '../hosts/lost-ownership.js';

/** A schema that has the table: a tenant's, or one in stock, which nobody owns yet. */
export interface PartitionTarget {
  readonly tenantId: string | null;
  readonly slug: string | null;
  readonly schemaName: string;
}

/** Rows that found no partition of their period. */
export interface DefaultRows {
  /** As in partition names; null for rows without a time, or with one that no period holds. */
  readonly period: string | null;
  readonly rows: number;
  readonly moved: boolean;
}

export interface PartitionFailure {
  /** Null when the whole table is concerned. */
  readonly partition: string | null;
  readonly sqlState: string;
  readonly message: string;
}

/** What was done, or in a dry run would be done, to one target's table. */
export interface PartitionOutcome {
  readonly target: PartitionTarget;
  readonly created: string[];
  readonly detached: string[];
  readonly dropped: string[];
  readonly defaultRows: DefaultRows[];
  readonly failures: PartitionFailure[];
}

export function newOutcome(target: PartitionTarget): PartitionOutcome {
  return { target, created: [], detached: [], dropped: [], defaultRows: [], failures: [] };
}

/** What PostgreSQL would not refuse and Rowhouse does; told like an error of PostgreSQL. */
export class PartitionProblem extends Error {
  constructor(
    /** The SQLSTATE that says it best. */
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'PartitionProblem';
  }
}

/** Rethrows what PostgreSQL did not say about the statement. */
export function toFailure(error: unknown, partition: string | null): PartitionFailure {
  const state = sqlState(error);
  if (state === undefined || isUnavailable(error)) throw error;
  const message = error instanceof Error ? error.message : String(error);
  return {
    partition,
    sqlState: state,
    message: isLostOwnership(error) ? `${message}. ${LOST_OWNERSHIP}` : message,
  };
}
