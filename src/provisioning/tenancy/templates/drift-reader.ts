import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { FIND_ACCESS_DRIFT, FIND_MIGRATING, FIND_SCHEMAS } from './drift-sql.js';
import { type CatalogObject, fingerprintCatalogs, readCatalogs } from './schema-catalog.js';
import { compareCatalogs, type SchemaDifference } from './schema-difference.js';

/** What a schema should be like. */
export interface ExpectedSchema {
  readonly schema: string;
  /** The OID that it was made with; null when that was not recorded. */
  readonly oid: number | null;
  /** Who must be able to read and write its tables; null where that is the owner. */
  readonly role: string | null;
  /** Of the template, as Rowhouse has noted it. */
  readonly version: number;
  readonly catalog: ExpectedCatalog;
}

export interface ExpectedCatalog {
  readonly objects: readonly CatalogObject[];
  readonly fingerprint: string;
}

export interface HostDrift {
  /** By schema, in the order that was asked for. */
  readonly differences: ReadonlyMap<string, readonly SchemaDifference[]>;
  /** How many schemas beyond `limit` differ too. */
  readonly more: number;
  /** How many are not like their version because they are on their way to another one. */
  readonly migrating: number;
}

export interface DriftOrder {
  readonly templateId: string;
  readonly schemas: readonly ExpectedSchema[];
  readonly limit: number;
}

/** Schemas that are read whole at once, each a few hundred rows. */
const SCHEMAS_A_READ = 20;

/** Compares the schemas of a hosting database with what they should be. */
@Injectable()
export class DriftReader {
  constructor(private readonly connections: HostConnections) {}

  /** Looks at all, by fingerprint, and tells of the first `limit` that differ how. */
  read(
    server: ManagedServer,
    databaseName: string,
    { templateId, schemas, limit }: DriftOrder,
  ): Promise<HostDrift> {
    return this.connections.use(server, databaseName, async (client) => {
      const strays = await findStrays(client, schemas);
      const access = await findAccessDrift(client, schemas);
      const changed = await findChanged(client, schemas);
      const differing = schemas.filter(({ schema }) => access.has(schema) || changed.has(schema));
      const migrating = await findMigrating(client, templateId, differing);
      const drifted = schemas.filter(({ schema }) => {
        const differs = access.has(schema) || changed.has(schema);
        return strays.has(schema) || (differs && !migrating.has(schema));
      });
      const shown = drifted.slice(0, limit);
      const content = await compareContents(
        client,
        shown.filter(({ schema }) => changed.has(schema)),
      );
      const differences = shown.map(({ schema }) => {
        const found = [strays, access, content].flatMap((part) => part.get(schema) ?? []);
        return [schema, found] as const;
      });
      const left = differing.filter(({ schema }) => !strays.has(schema) && migrating.has(schema));
      return {
        differences: new Map(differences),
        more: drifted.length - shown.length,
        migrating: left.length,
      };
    });
  }
}

type Found = Map<string, SchemaDifference[]>;

/** Schemas that are gone, or that are not those that Rowhouse made. */
async function findStrays(client: ClientBase, schemas: readonly ExpectedSchema[]): Promise<Found> {
  const oids = schemas.flatMap(({ oid }) => oid ?? []);
  const { rows } = await client.query<{ oid: number; name: string }>(FIND_SCHEMAS, [namesOf(schemas), oids]);
  const byName = new Map(rows.map((row) => [row.name, row.oid]));
  const byOid = new Map(rows.map((row) => [row.oid, row.name]));
  const strays: Found = new Map();
  for (const { schema, oid } of schemas) {
    const foundOid = byName.get(schema);
    const foundName = oid === null ? undefined : byOid.get(oid);
    if (foundOid !== undefined && (oid === null || foundOid === oid)) continue;
    strays.set(schema, [strayOf(schema, { foundName, isTaken: foundOid !== undefined })]);
  }
  return strays;
}

function strayOf(
  schema: string,
  { foundName, isTaken }: { foundName: string | undefined; isTaken: boolean },
): SchemaDifference {
  const base = { object: 'schema', expected: schema };
  if (foundName !== undefined) return { ...base, kind: 'changed', actual: `renamed to ${foundName}` };
  if (isTaken) return { ...base, kind: 'changed', actual: 'another schema of this name' };
  return { ...base, kind: 'missing', actual: null };
}

async function findAccessDrift(client: ClientBase, schemas: readonly ExpectedSchema[]): Promise<Found> {
  const { rows } = await client.query<{ schema: string; object: string; expected: string; actual: string }>(
    FIND_ACCESS_DRIFT,
    [namesOf(schemas), schemas.map(({ role }) => role)],
  );
  const found: Found = new Map();
  for (const { schema, ...difference } of rows) {
    found.set(schema, [...(found.get(schema) ?? []), { kind: 'changed', ...difference }]);
  }
  return found;
}

/** One that is missing is a stray, not a changed one. */
async function findChanged(client: ClientBase, schemas: readonly ExpectedSchema[]): Promise<Set<string>> {
  const fingerprints = await fingerprintCatalogs(client, namesOf(schemas));
  const changed = schemas.filter(({ schema, catalog }) => {
    const fingerprint = fingerprints.get(schema);
    return fingerprint !== undefined && fingerprint !== catalog.fingerprint;
  });
  return new Set(namesOf(changed));
}

/** A look behind the others: what a version changed before they looked is in the ledger by now. */
async function findMigrating(
  client: ClientBase,
  templateId: string,
  schemas: readonly ExpectedSchema[],
): Promise<Set<string>> {
  if (schemas.length === 0) return new Set();
  const versions = schemas.map(({ version }) => version);
  const { rows } = await client.query<{ schema: string }>(FIND_MIGRATING, [
    templateId,
    namesOf(schemas),
    versions,
  ]);
  return new Set(rows.map(({ schema }) => schema));
}

async function compareContents(client: ClientBase, schemas: readonly ExpectedSchema[]): Promise<Found> {
  const found: Found = new Map();
  for (let at = 0; at < schemas.length; at += SCHEMAS_A_READ) {
    const part = schemas.slice(at, at + SCHEMAS_A_READ);
    const catalogs = await readCatalogs(client, namesOf(part));
    for (const { schema, catalog } of part) {
      found.set(schema, compareCatalogs(catalog.objects, catalogs.get(schema) ?? []));
    }
  }
  return found;
}

function namesOf(schemas: readonly ExpectedSchema[]): string[] {
  return schemas.map(({ schema }) => schema);
}
