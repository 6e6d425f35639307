import type { Node } from 'libpg-query';
import type { SqlStatement } from '../../../infra/sql-parser/sql-parser.js';
import type { OnlineStatement } from '../../../provisioning/tenancy/templates/template-store.js';
import { changedObjects } from './changed-objects.js';
import type { NodeName, NodeOf } from './nodes.js';
import { labelOf } from './statement-label.js';
import { refuseQualified } from './transactional-rules.js';

interface Verdict {
  readonly action: OnlineStatement['action'];
  readonly index: string | null;
  /** Whether it changes what a schema consists of; upkeep, such as VACUUM, does not, so a new schema does without. */
  readonly isDefinition: boolean;
}

export type CheckedOnline = OnlineStatement & Pick<Verdict, 'isDefinition'>;

const UPKEEP: Verdict = { action: 'other', index: null, isDefinition: false };

/** Readers of what may stand in a version that runs statement by statement; a text says why not. */
const JUDGES: { readonly [Name in NodeName]?: (node: NodeOf<Name>) => Verdict | string } = {
  AlterTableStmt: judgeAlter,
  DropStmt: judgeDrop,
  IndexStmt: ({ concurrent, idxname, tableSpace }) => {
    if (!concurrent) return 'without CONCURRENTLY it belongs into a version that runs in a transaction';
    if (tableSpace) return 'tablespaces belong to the server';
    if (!idxname) return 'the index needs a name, by which it is found again after an interruption';
    return { action: 'create_index', index: idxname, isDefinition: true };
  },
  ReindexStmt: ({ kind, params }) => {
    if (kind !== 'REINDEX_OBJECT_INDEX' && kind !== 'REINDEX_OBJECT_TABLE')
      return 'it may name an index or a table only';
    return params?.some(isConcurrently) ? UPKEEP : 'it needs CONCURRENTLY, else it locks the table';
  },
  VacuumStmt: ({ rels }) => (rels?.length ? UPKEEP : 'it needs the name of a table'),
};

/** What the statement does, or why such a version may not have it. */
export function judgeOnline(statement: SqlStatement): CheckedOnline | string {
  const judge = JUDGES[statement.type as NodeName] as ((node: unknown) => Verdict | string) | undefined;
  const node = (statement.node as unknown as Record<string, unknown>)[statement.type];
  const verdict = judge ? judge(node) : ALLOWED;
  const problem = typeof verdict === 'string' ? verdict : qualifiedIn(statement);
  if (problem !== null)
    return `${labelOf(statement.text)} is not for a version without a transaction: ${problem}`;
  return { sql: statement.text, ...(verdict as Verdict) };
}

const ALLOWED =
  'it may have CREATE INDEX CONCURRENTLY, DROP INDEX CONCURRENTLY, REINDEX … CONCURRENTLY, VACUUM, ANALYZE and ALTER TABLE … DETACH PARTITION … CONCURRENTLY';

function judgeDrop({ removeType, concurrent, objects }: NodeOf<'DropStmt'>): Verdict | string {
  if (removeType !== 'OBJECT_INDEX') return ALLOWED;
  if (!concurrent) return 'without CONCURRENTLY it belongs into a version that runs in a transaction';
  if (objects?.length !== 1) return 'it may drop one index at a time';
  const [name] = changedObjects({ DropStmt: { removeType, objects } }) ?? [];
  return { action: 'drop_index', index: name?.parts.at(-1) ?? null, isDefinition: true };
}

function judgeAlter({ cmds }: NodeOf<'AlterTableStmt'>): Verdict | string {
  const [command] = cmds ?? [];
  const isDetach =
    cmds?.length === 1 &&
    command !== undefined &&
    'AlterTableCmd' in command &&
    command.AlterTableCmd.subtype === 'AT_DetachPartition';
  if (!isDetach) return ALLOWED;
  const { def } = command.AlterTableCmd;
  const isConcurrent = def && 'PartitionCmd' in def && def.PartitionCmd.concurrent;
  if (!isConcurrent) return 'without CONCURRENTLY it belongs into a version that runs in a transaction';
  return { action: 'other', index: null, isDefinition: true };
}

function isConcurrently(option: Node): boolean {
  return 'DefElem' in option && option.DefElem.defname === 'concurrently';
}

function qualifiedIn({ type, node }: SqlStatement): string | null {
  const objects = type === 'ReindexStmt' ? reindexed(node) : (changedObjects(node) ?? []);
  const foreign = objects.find(({ isQualified }) => isQualified);
  return foreign ? refuseQualified(foreign.parts) : null;
}

function reindexed(node: Node) {
  const relation = 'ReindexStmt' in node ? node.ReindexStmt.relation : undefined;
  const parts = [relation?.schemaname, relation?.relname].filter((part) => part !== undefined);
  return [{ parts, isQualified: parts.length > 1 }];
}
