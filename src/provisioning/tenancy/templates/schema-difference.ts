import type { CatalogObject } from './schema-catalog.js';

export interface SchemaDifference {
  /** `column products.name`. */
  readonly object: string;
  readonly kind: 'missing' | 'unexpected' | 'changed';
  /** The definition; null when it should not be there. */
  readonly expected: string | null;
  /** The definition; null when it is not there. */
  readonly actual: string | null;
}

/** What differs, by name. Of a whole table that is missing or unexpected, its columns and indexes are not named too. */
export function compareCatalogs(
  expected: readonly CatalogObject[],
  actual: readonly CatalogObject[],
): SchemaDifference[] {
  const [wanted, found] = [byName(expected), byName(actual)];
  const names = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  return names.flatMap((name) => {
    const [one, other] = [wanted.get(name), found.get(name)];
    const hasParents = isListed(one, found) && isListed(other, wanted);
    return hasParents ? compareObject(name, one, other) : [];
  });
}

/** Whether the object stands by itself, or in something that the other side has too. */
function isListed(object: CatalogObject | undefined, others: ReadonlyMap<string, CatalogObject>): boolean {
  return !object?.parent || others.has(object.parent);
}

function compareObject(
  object: string,
  expected: CatalogObject | undefined,
  actual: CatalogObject | undefined,
): SchemaDifference[] {
  if (expected?.definition === actual?.definition) return [];
  const kind = !actual ? 'missing' : !expected ? 'unexpected' : 'changed';
  return [{ object, kind, expected: expected?.definition ?? null, actual: actual?.definition ?? null }];
}

function byName(objects: readonly CatalogObject[]): Map<string, CatalogObject> {
  return new Map(objects.map((object) => [object.object, object]));
}
