import type { Node, ObjectType, RangeVar } from 'libpg-query';
import { type NamedObject, type NodeName, type NodeOf, namedBy, namedByList, namedByRange } from './nodes.js';

/** What a statement creates, changes or drops, and what it makes a part of something. */
type Reader<Name extends NodeName> = (node: NodeOf<Name>) => readonly NamedObject[];

/** The statements that a template may have, so that what PostgreSQL learns later is refused until somebody looked. */
const READERS: { readonly [Name in NodeName]?: Reader<Name> } = {
  AlterCollationStmt: ({ collname }) => [namedByList(collname)],
  AlterDomainStmt: ({ typeName }) => [namedByList(typeName)],
  AlterEnumStmt: ({ typeName }) => [namedByList(typeName)],
  AlterFunctionStmt: ({ func }) => [namedByList(func?.objname)],
  AlterPolicyStmt: ({ table }) => [namedByRange(table)],
  AlterSeqStmt: ({ sequence }) => [namedByRange(sequence)],
  AlterStatsStmt: ({ defnames }) => [namedByList(defnames)],
  AlterTSConfigurationStmt: ({ cfgname }) => [namedByList(cfgname)],
  AlterTSDictionaryStmt: ({ dictname }) => [namedByList(dictname)],
  AlterTableStmt: ({ relation, cmds }) => [namedByRange(relation), ...(cmds ?? []).flatMap(parentsIn)],
  AlterTypeStmt: ({ typeName }) => [namedByList(typeName)],
  CallStmt: () => [],
  CommentStmt: ({ objtype, object }) => [namedMember(objtype, object)],
  CompositeTypeStmt: ({ typevar }) => [namedByRange(typevar)],
  ConstraintsSetStmt: () => [],
  CreateDomainStmt: ({ domainname }) => [namedByList(domainname)],
  CreateEnumStmt: ({ typeName }) => [namedByList(typeName)],
  CreateFunctionStmt: ({ funcname }) => [namedByList(funcname)],
  CreatePolicyStmt: ({ table }) => [namedByRange(table)],
  CreateRangeStmt: ({ typeName }) => [namedByList(typeName)],
  CreateSeqStmt: ({ sequence }) => [namedByRange(sequence)],
  CreateStatsStmt: ({ defnames, relations }) => [namedByList(defnames), ...named(relations)],
  CreateStmt: ({ relation, inhRelations }) => [namedByRange(relation), ...named(inhRelations)],
  CreateTableAsStmt: ({ into }) => [namedByRange(into?.rel)],
  CreateTrigStmt: ({ relation }) => [namedByRange(relation)],
  DefineStmt: ({ defnames }) => [namedByList(defnames)],
  DeleteStmt: ({ relation }) => [namedByRange(relation)],
  DoStmt: () => [],
  DropStmt: ({ removeType, objects }) => (objects ?? []).map((object) => namedMember(removeType, object)),
  GrantStmt: ({ objects }) => named(objects),
  IndexStmt: ({ relation }) => [namedByRange(relation)],
  InsertStmt: ({ relation }) => [namedByRange(relation)],
  LockStmt: () => [],
  MergeStmt: ({ relation }) => [namedByRange(relation)],
  RefreshMatViewStmt: ({ relation }) => [namedByRange(relation)],
  RenameStmt: ({ relation, renameType, object }) => [
    relation ? namedByRange(relation) : namedMember(renameType, object),
  ],
  RuleStmt: ({ relation }) => [namedByRange(relation)],
  SelectStmt: () => [],
  TruncateStmt: ({ relations }) => named(relations),
  UpdateStmt: ({ relation }) => [namedByRange(relation)],
  VacuumStmt: ({ rels }) => (rels ?? []).map(vacuumed),
  VariableSetStmt: () => [],
  ViewStmt: ({ view }) => [namedByRange(view)],
};

/** How many parts an object's name has in its own schema; others belong to the database or the server. */
const OWN_PARTS: { readonly [Kind in ObjectType]?: number } = {
  OBJECT_AGGREGATE: 1,
  OBJECT_ATTRIBUTE: 1,
  OBJECT_COLLATION: 1,
  OBJECT_COLUMN: 2,
  OBJECT_DOMAIN: 1,
  OBJECT_DOMCONSTRAINT: 2,
  OBJECT_FUNCTION: 1,
  OBJECT_INDEX: 1,
  OBJECT_MATVIEW: 1,
  OBJECT_POLICY: 2,
  OBJECT_PROCEDURE: 1,
  OBJECT_ROUTINE: 1,
  OBJECT_RULE: 2,
  OBJECT_SEQUENCE: 1,
  OBJECT_STATISTIC_EXT: 1,
  OBJECT_TABCONSTRAINT: 2,
  OBJECT_TABLE: 1,
  OBJECT_TRIGGER: 2,
  OBJECT_TSCONFIGURATION: 1,
  OBJECT_TSDICTIONARY: 1,
  OBJECT_TYPE: 1,
  OBJECT_VIEW: 1,
};

/** Null for a statement that no template may have. */
export function changedObjects(statement: Node): readonly NamedObject[] | null {
  const [type] = Object.keys(statement) as NodeName[];
  const read = type && (READERS[type] as ((node: unknown) => readonly NamedObject[]) | undefined);
  return read ? read((statement as unknown as Record<string, unknown>)[type]) : null;
}

/** Whether objects of this kind can stand in a schema. */
export function isOfSchema(kind: ObjectType | undefined): boolean {
  return kind !== undefined && kind in OWN_PARTS;
}

function namedMember(kind: ObjectType | undefined, object: Node | undefined): NamedObject {
  return namedBy(object, (kind && OWN_PARTS[kind]) ?? 1);
}

function named(nodes: readonly Node[] | undefined): NamedObject[] {
  return (nodes ?? []).map((node) => namedBy(node));
}

/** A table that becomes a child, or a partition, is read through the other one. */
function parentsIn(command: Node): NamedObject[] {
  if (!('AlterTableCmd' in command)) return [];
  const { def } = command.AlterTableCmd;
  if (def && 'RangeVar' in def) return [namedByRange(def.RangeVar)];
  if (def && 'PartitionCmd' in def) return [namedByRange(def.PartitionCmd.name)];
  return [];
}

function vacuumed(node: Node): NamedObject {
  const relation: RangeVar | undefined = 'VacuumRelation' in node ? node.VacuumRelation.relation : undefined;
  return namedByRange(relation);
}
