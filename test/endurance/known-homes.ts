import type { NewDatabase } from '../support/databases.js';
import type { NewTenant } from '../support/tenancy.js';

export type HomeKind = 'databases' | 'tenants';

export interface Strings {
  readonly connection_string: string;
  readonly connection_string_pooled: string;
}

/** A home as the answers tell of it. Where an answer got lost, what it would have told is unknown. */
export interface KnownHome {
  readonly kind: HomeKind;
  readonly id: string;
  /** Stands in its rows. */
  readonly mark: string;
  /** Whose rows a clone has besides its own. */
  readonly inherited: readonly string[];
  readonly databaseName: string;
  readonly username: string;
  state: 'there' | 'unsure' | 'gone';
  /** Null: unknown. */
  strings: Strings | null;
  /** Null: unknown. */
  name: string | null;
  isMarked: boolean;
}

/** What the load made, so that it can be compared with what there is. */
export class KnownHomes {
  readonly all = new Map<string, KnownHome>();
  private readonly taken = new Set<string>();

  addDatabase(made: NewDatabase): KnownHome {
    return this.add({
      kind: 'databases',
      mark: made.friendly_name,
      inherited: [],
      name: made.friendly_name,
      ...of(made),
    });
  }

  addTenant(made: NewTenant, inherited: readonly string[]): KnownHome {
    return this.add({ kind: 'tenants', mark: made.slug, inherited, name: made.name, ...of(made) });
  }

  count(kind: HomeKind): number {
    return [...this.all.values()].filter((home) => home.kind === kind && home.state !== 'gone').length;
  }

  /** One that nobody else works on; to be given back with `release`. */
  take(kind: HomeKind): KnownHome | null {
    const free = [...this.all.values()].filter(
      (home) => home.kind === kind && home.state === 'there' && !this.taken.has(home.id),
    );
    const home = free[Math.floor(Math.random() * free.length)] ?? null;
    if (home) this.taken.add(home.id);
    return home;
  }

  release(home: KnownHome): void {
    this.taken.delete(home.id);
  }

  private add(made: Omit<KnownHome, 'state' | 'isMarked'>): KnownHome {
    const home: KnownHome = { ...made, state: 'there', isMarked: false };
    this.all.set(home.id, home);
    return home;
  }
}

function of(made: NewDatabase | NewTenant) {
  const { id, database_name: databaseName, username, connection_string, connection_string_pooled } = made;
  return { id, databaseName, username, strings: { connection_string, connection_string_pooled } };
}
