import type { ClientBase } from 'pg';
import type { SchemaName } from '../../../kernel/identifiers.js';
import { type CatalogObject, readCatalogs } from '../../../provisioning/tenancy/templates/schema-catalog.js';
import {
  compareCatalogs,
  type SchemaDifference,
} from '../../../provisioning/tenancy/templates/schema-difference.js';
import {
  FIND_ADOPTED,
  FIND_DEFINERS,
  FIND_OPEN_VIEWS,
  FIND_OUTSIDE,
  FIND_SESSION_STATE,
  FIND_WRITTEN,
} from './inspection-sql.js';

const NEIGHBOURS = ['public', 'shared'];

/** What stands in the database besides scratch schemas. In a session whose search_path is pg_catalog. */
export async function readOutside(client: ClientBase): Promise<CatalogObject[]> {
  const catalogs = await readCatalogs(client, NEIGHBOURS);
  const { rows } = await client.query<CatalogObject>(FIND_OUTSIDE);
  const objects = [...catalogs].flatMap(([schema, found]) => found.map((object) => inSchema(schema, object)));
  return [...objects, ...rows];
}

/**
 * Looks for what a template must not do, whatever the way it did it: reach beyond the schema, or open to each tenant
 * what belongs to others. In the transaction that ran it. Each finding is a sentence.
 */
export async function inspectSchema(
  client: ClientBase,
  schema: SchemaName,
  before: readonly CatalogObject[],
): Promise<string[]> {
  await client.query('SET LOCAL search_path = pg_catalog, pg_temp');
  const find = async <Row>(sql: string) =>
    (await client.query<Row & object>(sql, [schema.value])).rows as Row[];
  const written = await find<{ name: string }>(FIND_WRITTEN);
  const definers = await find<{ name: string }>(FIND_DEFINERS);
  const adopted = await find<{ name: string; parent: string }>(FIND_ADOPTED);
  const views = await find<{ name: string; relation: string }>(FIND_OPEN_VIEWS);
  const plain = (text: string) => text.replaceAll(`${schema.sql}.`, '').replaceAll(`${schema.value}.`, '');
  return [
    ...compareCatalogs(before, await readOutside(client))
      .filter(isNews)
      .map(describeChange),
    ...written.map(
      ({ name }) => `it writes rows of ${name}, but a template writes only the tenant's own tables`,
    ),
    ...definers.map(
      ({ name }) =>
        `the function ${plain(name)} is SECURITY DEFINER, which would give tenants the rights of the owner of all tenants' tables`,
    ),
    ...adopted.map(
      ({ name, parent }) =>
        `the table ${name} becomes a part of ${plain(parent)}, where others would read it`,
    ),
    ...views.map(
      ({ name, relation }) =>
        `"${name}" reads ${relation} with the rights of its owner, so each tenant would see the rows of all: make it a view WITH (security_invoker = true)`,
    ),
  ];
}

/** What the version left in the session, which the next tenant's work would meet. After its transaction. */
export async function inspectSession(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(FIND_SESSION_STATE);
  return rows.map(({ name }) => `it leaves ${name} behind in the session`);
}

function inSchema(schema: string, object: CatalogObject): CatalogObject {
  const place = ` of ${schema}`;
  return { ...object, object: object.object + place, parent: object.parent && object.parent + place };
}

/** What became of a whole table is told by the table itself. */
function isNews({ object, kind }: SchemaDifference): boolean {
  return kind === 'changed' || !object.startsWith('contents of ');
}

const VERBS: Readonly<Record<SchemaDifference['kind'], string>> = {
  missing: 'drops',
  unexpected: 'makes',
  changed: 'changes',
};

function describeChange({ kind, object }: SchemaDifference): string {
  return `it ${VERBS[kind]} the ${object}, but a template has only the tenant's own schema`;
}
