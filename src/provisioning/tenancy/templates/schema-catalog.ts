import type { ClientBase } from 'pg';
import { FINGERPRINT_CATALOGS, READ_CATALOGS } from './schema-catalog-sql.js';

/** Something that a schema consists of, named without the schema. */
export interface CatalogObject {
  /** `column products.name`. One name may occur more than once: functions of tables have no column order. */
  readonly object: string;
  /** The object that it goes away with: `table products`; null for one that stands by itself. */
  readonly parent: string | null;
  readonly definition: string;
}

type Row = CatalogObject & { readonly schema: string };

/** Reading, comparing and sorting this many schemas of 50 tables takes PostgreSQL seconds. */
const SCHEMAS_A_QUERY = 500;

/** What the schemas consist of; one that does not exist has nothing. In a session whose search_path is pg_catalog. */
export async function readCatalogs(
  client: ClientBase,
  schemas: readonly string[],
): Promise<Map<string, CatalogObject[]>> {
  const { rows } = await client.query<Row>(READ_CATALOGS, [schemas]);
  const catalogs = new Map<string, CatalogObject[]>(schemas.map((schema) => [schema, []]));
  for (const { schema, ...object } of rows) catalogs.get(schema)?.push(object);
  return catalogs;
}

export async function readCatalog(client: ClientBase, schema: string): Promise<CatalogObject[]> {
  return (await readCatalogs(client, [schema])).get(schema) ?? [];
}

/** Equal for schemas that consist of the same; a schema that does not exist has none. */
export async function fingerprintCatalogs(
  client: ClientBase,
  schemas: readonly string[],
): Promise<Map<string, string>> {
  const fingerprints = new Map<string, string>();
  for (let at = 0; at < schemas.length; at += SCHEMAS_A_QUERY) {
    const { rows } = await client.query<{ schema: string; fingerprint: string }>(FINGERPRINT_CATALOGS, [
      schemas.slice(at, at + SCHEMAS_A_QUERY),
    ]);
    for (const { schema, fingerprint } of rows) fingerprints.set(schema, fingerprint);
  }
  return fingerprints;
}
