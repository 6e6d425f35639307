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
  /** Of an array whose elements stand between commas, their type; else null. */
  readonly elementOid: number | null;
}

const TEXT_LIST: number = 1009;

/** A list of `text` is read like any other: elements without quotes, NULL as null, lists inside lists. */
const parseArray: (text: string) => unknown = types.getTypeParser(TEXT_LIST, 'text');

/**
 * A value as PostgreSQL prints it, as JSON. Only what every JSON reader gives back unchanged becomes a number, a boolean or
 * a list; json stays text too, since its numbers may have more digits than a double. An array with bounds of its own
 * (`[2:3]={5,6}`) is text: a list would lose them.
 */
export function toJson(text: string | null, { oid, elementOid }: TypeFacts): unknown {
  if (text === null) return null;
  const isList = elementOid !== null && text.startsWith('{');
  return isList ? mapList(parseArray(text), elementOid) : toScalar(text, oid);
}

/** What cannot be sent as the type that the statement wants there. */
export class UnfitParameter extends Error {}

/** A JSON value as PostgreSQL reads it, for a parameter of this type. A string is taken as it is for every type. */
export function toText(value: unknown, { oid, elementOid }: TypeFacts): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return value;
  if (isJson(oid)) return JSON.stringify(value, (_, part: unknown) => exact(part, oid));
  if (Array.isArray(value)) {
    if (elementOid === null) throw new UnfitParameter('is a list, and the statement wants none there');
    return `{${value.map((element) => toElement(element, { oid, elementOid })).join(',')}}`;
  }
  if (typeof value === 'object')
    throw new UnfitParameter('is an object, and the statement wants no json there');
  return Object.is(value, -0) ? '-0' : String(exact(value, oid));
}

/** Whoever read the request's JSON made doubles of its numbers: a larger integer may have been another one. */
function exact(value: unknown, oid: number): unknown {
  if (typeof value !== 'number') return value;
  const isFloat = oid === OID.float4 || oid === OID.float8;
  if (Number.isFinite(value) && (isFloat || Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return value;
  throw new UnfitParameter(
    'has a number beyond 2^53, which JSON readers round: write it as a string, and json as its whole text',
  );
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
      return isJsonNumber(Number(text)) ? Number(text) : text;
    default:
      return text;
  }
}

/** JSON writes neither infinities nor NaN, and JavaScript writes -0 as 0. */
function isJsonNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function isJson(oid: number | null): boolean {
  return oid === OID.json || oid === OID.jsonb;
}
