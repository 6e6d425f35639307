import { types } from 'pg';

const OID = {
  bool: 16,
  int2: 21,
  int4: 23,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  jsonb: 3802,
} as const;

/** A type as the catalog has it. */
export interface TypeFacts {
  readonly oid: number;
  /** Of an array, the type of its elements; else null. */
  readonly elementOid: number | null;
}

const TEXT_LIST: number = 1009;

/** A list of `text` is read like any other: elements without quotes, NULL as null, lists inside lists. */
const parseArray: (text: string) => unknown = types.getTypeParser(TEXT_LIST, 'text');

/**
 * A value as PostgreSQL prints it, as JSON. Numbers that a double holds exactly become numbers, booleans, json and lists
 * become what they are; bigint, numeric, dates, bytea (`\x…`) and all else stay text.
 */
export function toJson(text: string | null, { oid, elementOid }: TypeFacts): unknown {
  if (text === null) return null;
  const isList = elementOid !== null && /^[[{]/.test(text);
  return isList ? mapList(parseArray(text), elementOid) : toScalar(text, oid);
}

/** What cannot be sent as the type that the statement wants there. */
export class UnfitParameter extends Error {}

/** A JSON value as PostgreSQL reads it, for a parameter of this type. A string is taken as it is for every type. */
export function toText(value: unknown, { oid, elementOid }: TypeFacts): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return value;
  if (isJson(oid)) return JSON.stringify(value);
  if (Array.isArray(value)) {
    if (elementOid === null) throw new UnfitParameter('is a list, and the statement wants none there');
    return `{${value.map((element) => toElement(element, { oid, elementOid })).join(',')}}`;
  }
  if (typeof value === 'object')
    throw new UnfitParameter('is an object, and the statement wants no json there');
  return String(value);
}

function toElement(element: unknown, list: TypeFacts): string {
  if (element === null) return 'NULL';
  if (Array.isArray(element) && !isJson(list.elementOid)) return toText(element, list) ?? 'NULL';
  const text = toText(element, { oid: list.elementOid ?? 0, elementOid: null }) ?? 'NULL';
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function mapList(value: unknown, elementOid: number): unknown {
  if (Array.isArray(value)) return value.map((element) => mapList(element, elementOid));
  return value === null ? null : toScalar(String(value), elementOid);
}

function toScalar(text: string, oid: number): unknown {
  switch (oid) {
    case OID.bool:
      return text === 't';
    case OID.int2:
    case OID.int4:
    case OID.oid:
      return Number(text);
    case OID.float4:
    case OID.float8:
      return Number.isFinite(Number(text)) ? Number(text) : text;
    case OID.json:
    case OID.jsonb:
      return JSON.parse(text);
    default:
      return text;
  }
}

function isJson(oid: number | null): boolean {
  return oid === OID.json || oid === OID.jsonb;
}
