/** A known vulnerability of some versions of PgBouncer. */
export interface PoolerFlaw {
  readonly cve: string;
  /** The first version that has it, and the first that has it no more. */
  readonly since: string;
  readonly fixedIn: string;
  readonly risk: string;
  /** Whether the settings that the pooler runs with leave the way open. */
  readonly appliesTo: (settings: PoolerSettings) => boolean;
}

export interface PoolerSettings {
  /** As SHOW CONFIG gives it. */
  readonly ignoreStartupParameters: string;
}

const FLAWS: readonly PoolerFlaw[] = [
  {
    cve: 'CVE-2026-107350',
    since: '1.17.0',
    fixedIn: '1.26.1',
    risk: 'whoever knows the password of one user of auth_file can log in as any other',
    appliesTo: () => true,
  },
  {
    cve: 'CVE-2026-107349',
    since: '1.20.0',
    fixedIn: '1.26.1',
    risk: 'a client can keep a core busy for ever, since ignore_startup_parameters lacks options',
    appliesTo: ({ ignoreStartupParameters }) => {
      const ignored = ignoreStartupParameters.split(',').map((name) => name.trim());
      return ignoreStartupParameters.trim() !== '' && !ignored.includes('options');
    },
  },
];

/** The upstream version decides: a distribution may have mended it under the same number. */
export function knownFlaws(version: string, settings: PoolerSettings): readonly PoolerFlaw[] {
  return FLAWS.filter(
    ({ since, fixedIn, appliesTo }) =>
      compare(version, since) >= 0 && compare(version, fixedIn) < 0 && appliesTo(settings),
  );
}

/** One line for operators; null where there is nothing to say. */
export function describeFlaws(version: string, flaws: readonly PoolerFlaw[]): string | null {
  if (flaws.length === 0) return null;
  const list = flaws.map(({ cve, fixedIn, risk }) => `${cve} (${risk}; fixed in ${fixedIn})`).join(', ');
  return `PgBouncer ${version} has ${list}`;
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
