import type { Node, ObjectType } from 'libpg-query';
import { isOfSchema } from './changed-objects.js';
import type { NodeName, NodeOf } from './nodes.js';
import { DATABASE, EXTENSION, FOREIGN, ONLINE, POWER, ROLES, SCHEMA, SERVER, SESSION } from './refusals.js';

type Check<Name extends NodeName> = (node: NodeOf<Name>) => string | null;

/** What is wrong with a statement that templates may have in other forms; null for nothing. */
const CHECKS: { readonly [Name in NodeName]?: Check<Name> } = {
  AlterFunctionStmt: ({ actions }) => (actions?.some(isSecurityDefiner) ? DEFINER : null),
  AlterTableStmt: ({ cmds }) => firstOf(cmds, checkAlter),
  CommentStmt: ({ objtype }) => checkKind(objtype),
  CreateFunctionStmt: ({ options }) => (options?.some(isSecurityDefiner) ? DEFINER : null),
  CreateSeqStmt: ({ sequence }) => (sequence?.relpersistence === 't' ? SESSION : null),
  CreateStmt: ({ relation, oncommit, tablespacename }) =>
    tablespacename ? SERVER : checkTemporary(relation?.relpersistence, oncommit),
  CreateTableAsStmt: ({ into }) =>
    into?.tableSpaceName ? SERVER : checkTemporary(into?.rel?.relpersistence, into?.onCommit),
  DefineStmt: ({ kind }) => (kind && DEFINABLE.has(kind) ? null : POWER),
  DropStmt: ({ removeType, concurrent }) => (concurrent ? ONLINE : checkKind(removeType)),
  GrantStmt: ({ targtype, objtype }) =>
    targtype === 'ACL_TARGET_OBJECT' && objtype && GRANTABLE.has(objtype) ? null : checkGrant(objtype),
  IndexStmt: ({ concurrent, tableSpace }) => (concurrent ? ONLINE : tableSpace ? SERVER : null),
  RenameStmt: ({ renameType }) => checkKind(renameType),
  SelectStmt: ({ intoClause, targetList }) =>
    intoClause ? 'write CREATE TABLE … AS' : firstOf(targetList, checkSetConfig),
  VacuumStmt: ({ is_vacuumcmd, rels }) => (is_vacuumcmd ? ONLINE : rels?.length ? null : DATABASE),
  VariableSetStmt: (node) => checkSet(node),
  ViewStmt: ({ view }) => (view?.relpersistence === 't' ? SESSION : null),
};

const DEFINER =
  'SECURITY DEFINER would give tenants the rights of the role that owns the tables of all tenants; a function runs with the rights of its caller';
const DEFINABLE: ReadonlySet<ObjectType> = new Set([
  'OBJECT_AGGREGATE',
  'OBJECT_COLLATION',
  'OBJECT_TSCONFIGURATION',
  'OBJECT_TSDICTIONARY',
]);
const GRANTABLE: ReadonlySet<ObjectType> = new Set([
  'OBJECT_DOMAIN',
  'OBJECT_FUNCTION',
  'OBJECT_PROCEDURE',
  'OBJECT_ROUTINE',
  'OBJECT_SEQUENCE',
  'OBJECT_TABLE',
  'OBJECT_TYPE',
]);

/** Rowhouse sets these itself for each tenant and each migration. */
const OWN_SETTINGS = new Set([
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'search_path',
  'statement_timeout',
  'transaction_timeout',
]);

/** Null for nothing. */
export function checkStatement(statement: Node): string | null {
  const [type] = Object.keys(statement) as NodeName[];
  const check = type && (CHECKS[type] as ((node: unknown) => string | null) | undefined);
  return check ? check((statement as unknown as Record<string, unknown>)[type]) : null;
}

function checkKind(kind: ObjectType | undefined): string | null {
  if (isOfSchema(kind)) return null;
  if (kind === 'OBJECT_SCHEMA') return SCHEMA;
  if (kind === 'OBJECT_EXTENSION') return EXTENSION;
  if (kind === 'OBJECT_ROLE') return ROLES;
  if (kind === 'OBJECT_FOREIGN_TABLE') return FOREIGN;
  return kind === 'OBJECT_DATABASE' || kind === 'OBJECT_EVENT_TRIGGER' ? DATABASE : POWER;
}

function checkGrant(kind: ObjectType | undefined): string {
  return kind === 'OBJECT_SCHEMA' ? SCHEMA : 'it reaches beyond single objects of the schema';
}

function checkTemporary(persistence: string | undefined, onCommit: string | undefined): string | null {
  if (persistence !== 't' || onCommit === 'ONCOMMIT_DROP') return null;
  return `${SESSION}; with ON COMMIT DROP it may be temporary`;
}

function checkAlter(command: Node): string | null {
  if (!('AlterTableCmd' in command)) return null;
  const { subtype, def } = command.AlterTableCmd;
  if (subtype === 'AT_ChangeOwner') return ROLES;
  if (subtype === 'AT_SetTableSpace') return SERVER;
  if (subtype === 'AT_DetachPartitionFinalize') return ONLINE;
  return def && 'PartitionCmd' in def && def.PartitionCmd.concurrent ? ONLINE : null;
}

function isSecurityDefiner(option: Node): boolean {
  if (!('DefElem' in option) || option.DefElem.defname !== 'security') return false;
  const { arg } = option.DefElem;
  return arg !== undefined && 'Boolean' in arg && arg.Boolean.boolval === true;
}

function checkSet({ kind, name = '', is_local }: NodeOf<'VariableSetStmt'>): string | null {
  const setting = name.toLowerCase();
  if (setting === 'role' || setting === 'session_authorization') return 'it runs as one role, without power';
  if (OWN_SETTINGS.has(setting)) return 'Rowhouse sets it for each tenant';
  if (kind === 'VAR_SET_MULTI') return 'Rowhouse runs the transaction';
  return is_local && kind === 'VAR_SET_VALUE'
    ? null
    : `${SESSION}; SET LOCAL lasts until the transaction ends`;
}

function checkSetConfig(target: Node): string | null {
  if (!('ResTarget' in target)) return null;
  const { val } = target.ResTarget;
  if (!val || !('FuncCall' in val)) return null;
  const last = val.FuncCall.funcname?.at(-1);
  return last && 'String' in last && last.String.sval === 'set_config'
    ? `set_config: ${SESSION}; write SET LOCAL`
    : null;
}

function firstOf(nodes: readonly Node[] | undefined, check: (node: Node) => string | null): string | null {
  for (const node of nodes ?? []) {
    const problem = check(node);
    if (problem) return problem;
  }
  return null;
}
