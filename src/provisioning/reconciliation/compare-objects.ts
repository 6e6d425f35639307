import type { ExpectedObjects } from './expected-objects.js';
import type { Finding, FindingKind } from './finding.js';
import type { KnownObjects } from './known-objects.js';
import type { HostLook, ObjectRow } from './object-owners-sql.js';

/** What a look into a host, or a tenant's own database, showed. */
export interface ObservedObjects {
  readonly look: HostLook;
  /** What does not belong to the provisioner. */
  readonly strays: readonly ObjectRow[];
  /** What stands in the tenant's schema `public`; empty for a host. */
  readonly present: ReadonlySet<string>;
}

const MAX_NAMES = 5;

/** What Rowhouse made and does not own any more, as after a restore without owners, or lacks. */
export function compareObjects(
  place: ExpectedObjects,
  { look, strays, present }: ObservedObjects,
  known: KnownObjects,
): Finding[] {
  const found: Finding[] = [];
  const tell = (kind: FindingKind, detail: string, canMend: boolean) =>
    found.push({
      kind,
      name: place.databaseName,
      databaseId: place.databaseId,
      detail,
      action: canMend ? { type: 'give_back', databaseId: place.databaseId } : null,
    });
  if (!look.hasShared) tell('shared_missing', MISSING_SHARED, false);
  if (look.lacks.length > 0)
    tell('provisioner_grants_drifted', `It lacks ${look.lacks.join(' and ')}.`, true);
  const mine = strays.filter((row) => isKnown(row, known, place));
  const shared = mine.filter(({ schema }) => schema === 'shared');
  const template = mine.filter(({ schema }) => schema !== 'shared');
  const planted = strays.filter((row) => row.schema === 'shared' && !mine.includes(row));
  if (shared.length > 0) tell('shared_owner_changed', describe(shared), true);
  if (template.length > 0) tell('template_owner_changed', describe(template), true);
  if (planted.length > 0) tell('shared_has_others', `${describe(planted)} They are left alone.`, false);
  if (place.own === null) return found;
  const { schemaOid } = place.own;
  const isReplaced = schemaOid !== null && look.publicOid !== schemaOid;
  if (isReplaced) tell('public_replaced', PUBLIC_REPLACED, look.publicOid !== null);
  const missing = [...known.template].filter((key) => !present.has(key));
  if (missing.length > 0 && look.publicOid !== null) tell('template_object_missing', lost(missing), false);
  return found;
}

/** Tenants' schemas in a host are the provisioner's whole; in `public` a tenant has objects of its own besides. */
export function isKnown(
  { schema, key, label }: ObjectRow,
  known: KnownObjects,
  place: ExpectedObjects,
): boolean {
  if (schema === 'shared') return known.shared.has(label);
  return place.own === null ? place.schemas.includes(schema) : known.template.has(key);
}

const MISSING_SHARED =
  'Restore it from a dump of this database, with owners: pg_restore -n shared. Until then migrations, partitions and clones fail.';
const PUBLIC_REPLACED = 'The schema public was renamed, dropped or made anew.';

function describe(rows: readonly ObjectRow[]): string {
  const owners = [...new Set(rows.map(({ owner }) => owner))];
  return `${listed(rows.map(({ schema, label }) => `${label} in ${schema}`))} belong to ${owners.join(', ')}.`;
}

function lost(keys: readonly string[]): string {
  const names = keys.map((key) => key.replace(/ [0-9a-f]{32}$/, ''));
  return `It lacks, or has in another form: ${listed(names)}. GET /api/templates/:id/drift tells more.`;
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return `${names.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
