import type { Client } from 'pg';
import type { TypeFacts } from './values.js';
import type { Described } from './wire.js';

export interface ColumnType extends TypeFacts {
  /** As PostgreSQL writes it: `character varying(20)`. */
  readonly type: string;
}

interface Wanted {
  readonly oid: number;
  readonly modifier: number;
}

const FIND_TYPES = `
  SELECT pg_catalog.format_type(w.oid, w.modifier) AS type,
         CASE WHEN t.typcategory OPERATOR(pg_catalog.=) 'A' AND t.typdelim OPERATOR(pg_catalog.=) ','
              THEN t.typelem END AS element
  FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int4[]))
       WITH ORDINALITY AS w (oid, modifier, position)
  LEFT JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) w.oid
  ORDER BY w.position`;

/** The types of a statement's parameters and columns, in their order. */
export async function describeTypes(
  client: Client,
  { parameters, fields }: Described,
): Promise<{ parameters: ColumnType[]; columns: ColumnType[] }> {
  const wanted: Wanted[] = [
    ...parameters.map((oid) => ({ oid, modifier: -1 })),
    ...fields.map(({ dataTypeID, dataTypeModifier }) => ({ oid: dataTypeID, modifier: dataTypeModifier })),
  ];
  const types = await findTypes(client, wanted);
  return { parameters: types.slice(0, parameters.length), columns: types.slice(parameters.length) };
}

async function findTypes(client: Client, wanted: readonly Wanted[]): Promise<ColumnType[]> {
  if (wanted.length === 0) return [];
  const { rows } = await client.query<{ type: string; element: number | null }>(FIND_TYPES, [
    wanted.map(({ oid }) => oid),
    wanted.map(({ modifier }) => modifier),
  ]);
  return rows.map(({ type, element }, at) => ({ oid: wanted[at]?.oid ?? 0, type, elementOid: element }));
}
