import type { Node, RangeVar } from 'libpg-query';

/** The names of the nodes in PostgreSQL's grammar. */
export type NodeName = Node extends infer Any ? (Any extends unknown ? keyof Any : never) : never;

/** What a node of this name holds. */
export type NodeOf<Name extends NodeName> = Node extends infer Any
  ? Any extends Record<Name, infer Content>
    ? Content
    : never
  : never;

/** An object as a statement names it. */
export interface NamedObject {
  readonly parts: readonly string[];
  /** More parts than an unqualified name has: it names a schema. */
  readonly isQualified: boolean;
}

/** `ownParts`: how many parts it has without a schema; 2 for what stands in a table, such as a column. */
export function namedBy(node: Node | undefined, ownParts = 1): NamedObject {
  const parts = partsOf(node);
  return { parts, isQualified: parts.length > ownParts };
}

export function namedByList(nodes: readonly Node[] | undefined, ownParts = 1): NamedObject {
  const parts = (nodes ?? []).flatMap(partsOf);
  return { parts, isQualified: parts.length > ownParts };
}

export function namedByRange(range: RangeVar | undefined): NamedObject {
  const parts = partsOfRange(range);
  return { parts, isQualified: parts.length > 1 };
}

function partsOf(node: Node | undefined): string[] {
  if (!node) return [];
  if ('String' in node) return [node.String.sval ?? ''];
  if ('List' in node) return (node.List.items ?? []).flatMap(partsOf);
  if ('TypeName' in node) return (node.TypeName.names ?? []).flatMap(partsOf);
  if ('ObjectWithArgs' in node) return (node.ObjectWithArgs.objname ?? []).flatMap(partsOf);
  if ('RangeVar' in node) return partsOfRange(node.RangeVar);
  return [];
}

function partsOfRange(range: RangeVar | undefined): string[] {
  return [range?.catalogname, range?.schemaname, range?.relname].filter((part) => part !== undefined);
}
