import { DatabaseName } from '../../kernel/identifiers.js';
import { hostRoles } from '../tenancy/hosts/host-roles.js';
import type { Comparison } from './comparison.js';
import type { ExpectedHome } from './expected-homes.js';
import type { Finding } from './finding.js';

interface Place {
  readonly home: ExpectedHome;
  readonly databases: readonly string[];
}

/**
 * Any role may store settings of its own for any database of the server (manual, ALTER ROLE). Those for a home's own are its
 * business; all others only fill a catalog that the whole server shares.
 */
export function compareSettings(comparison: Comparison): Finding[] {
  return [...placesOf(comparison)].flatMap(([name, { home, databases }]): Finding[] => {
    const found = comparison.roles.get(name)?.settingsIn ?? [];
    const elsewhere = found.filter((database) => !databases.includes(database));
    if (elsewhere.length === 0) return [];
    return [
      {
        kind: 'role_settings_elsewhere',
        name,
        databaseId: home.kind === 'database' ? home.id : null,
        detail: `It has settings in ${elsewhere.length} databases that are not its own.`,
        action: { type: 'reset_settings', home, role: name, databases: elsewhere },
      },
    ];
  });
}

/** Every role that somebody may log in with, and the databases that it is for. */
function placesOf({ settled, settledTenants, settledLogins, hostNames }: Comparison): Map<string, Place> {
  const places = new Map<string, Place>();
  const homes = new Map<string, Place>();
  for (const home of settled) homes.set(home.id, { home, databases: databasesOf(home) });
  for (const home of settledTenants) homes.set(home.id, { home, databases: [home.hostName] });
  for (const place of homes.values()) places.set(place.home.home.username, place);
  for (const { homeId, username } of settledLogins) {
    const place = homes.get(homeId);
    if (place) places.set(username, place);
  }
  for (const home of settled.filter((one) => hostNames.has(one.home.databaseName))) {
    const { app, readonly } = hostRoles(home.home.databaseName);
    for (const role of [app, readonly]) places.set(role.value, { home, databases: databasesOf(home) });
  }
  return places;
}

function databasesOf({ home: { databaseName } }: ExpectedHome): string[] {
  return [databaseName, DatabaseName.of(databaseName).shadow.value];
}
