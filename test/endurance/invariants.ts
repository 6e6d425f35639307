import type { NewDatabase } from '../support/databases.js';
import { mapParallel } from '../support/parallel.js';
import { errorCodeOf, withClient } from '../support/sql.js';
import type { NewTenant, Tenant } from '../support/tenancy.js';
import { until } from '../support/until.js';
import type { World } from '../support/world.js';
import { PREFIX } from './actions.js';
import type { HomeKind, KnownHome, KnownHomes, Strings } from './known-homes.js';
import { findForeignRows, writeMark } from './marks.js';
import { findForgottenNames } from './server-names.js';

interface Listed extends Tenant {
  friendly_name: string;
}

/** What is not as the answers said, or half made; nothing when all is well. */
export async function findViolations(world: World, homes: KnownHomes): Promise<string[]> {
  const found: string[] = [];
  for (const kind of ['databases', 'tenants'] as const) {
    const listed = kind === 'databases' ? await listOwnDatabases(world) : await list(world, kind);
    found.push(...compare(kind, listed, homes));
    for (const one of listed) await adopt(world, homes, kind, one);
  }
  const present = [...homes.all.values()].filter(({ state }) => state !== 'gone');
  found.push(...(await mapParallel(present, 4, (home) => tryHome(world, home))).flat());
  found.push(...(await untilClean('names on the server', () => findForgottenNames(world))));
  found.push(...(await untilClean('reconciliation', () => reconcile(world))));
  return found;
}

/** A tenant's own database comes and goes with the tenant, and has its name. */
async function listOwnDatabases(world: World): Promise<Listed[]> {
  const tenants = await list(world, 'tenants');
  const taken = new Set(
    tenants.filter(({ isolation }) => isolation === 'database').map((one) => one.database_id),
  );
  return (await list(world, 'databases')).filter(({ id }) => !taken.has(id));
}

/** All of the load's, of whatever status. */
async function list({ api }: World, kind: HomeKind): Promise<Listed[]> {
  const all: Listed[] = [];
  let cursor = '';
  do {
    const answer = (await api.get<Listed[]>(`/api/${kind}?limit=100${cursor}`)).expect(200);
    all.push(...answer.data);
    cursor = answer.nextCursor ? `&cursor=${answer.nextCursor}` : '';
  } while (cursor !== '');
  return all.filter((one) => (kind === 'tenants' ? one.slug : one.friendly_name).startsWith(PREFIX));
}

function compare(kind: HomeKind, listed: readonly Listed[], homes: KnownHomes): string[] {
  const found: string[] = [];
  const byId = new Map(listed.map((one) => [one.id, one]));
  for (const { id, status } of listed) if (status !== 'active') found.push(`${kind} ${id} is ${status}`);
  for (const home of homes.all.values()) {
    if (home.kind !== kind) continue;
    const one = byId.get(home.id);
    if (home.state === 'there' && !one) found.push(`${kind} ${home.id} was made and is not there`);
    if (home.state === 'gone' && one) found.push(`${kind} ${home.id} was deleted and is there`);
    const name = kind === 'tenants' ? one?.name : one?.friendly_name;
    if (one && home.name !== null && name !== home.name)
      found.push(`${kind} ${home.id} is called ${name}, and was told to be ${home.name}`);
    if (home.state === 'unsure') home.state = one ? 'there' : 'gone';
    if (one) home.name = name ?? null;
  }
  return found;
}

/** What was made although nobody heard of it. */
async function adopt(world: World, homes: KnownHomes, kind: HomeKind, one: Listed): Promise<void> {
  if (homes.all.has(one.id) || one.status !== 'active') return;
  const made = { ...one, ...(await reveal(world, kind, one.id)) };
  if (kind === 'databases') homes.addDatabase(made as unknown as NewDatabase);
  else homes.addTenant(made as unknown as NewTenant, inheritedBy(homes, one.cloned_from));
}

function inheritedBy(homes: KnownHomes, source: string | null): string[] {
  const home = source === null ? undefined : homes.all.get(source);
  return home ? [home.mark, ...home.inherited] : [];
}

async function reveal({ api }: World, kind: HomeKind, id: string): Promise<Strings> {
  return (await api.get<Strings>(`/api/${kind}/${id}/connection-strings?reveal=true`)).expect(200).data;
}

/** Logs in on both ports, with the strings that were answered last. */
async function tryHome(world: World, home: KnownHome): Promise<string[]> {
  home.strings ??= await reveal(world, home.kind, home.id);
  const { strings } = home;
  const found: string[] = [];
  for (const port of ['connection_string', 'connection_string_pooled'] as const) {
    const error = await errorCodeOf(withClient(strings[port], (client) => client.query('SELECT 1')));
    if (error) found.push(`${home.kind} ${home.id} refuses its own ${port}: ${error}`);
    else found.push(...(await findForeignRows(home, strings[port])));
  }
  if (found.length === 0 && !home.isMarked) await writeMark(home, strings);
  return found;
}

async function reconcile({ api }: World): Promise<string[]> {
  const found: string[] = [];
  for (const { id } of (await api.get<{ id: string }[]>('/api/servers')).expect(200).data) {
    const answer = await api.post<{ findings: object[] }>(`/api/servers/${id}/reconcile`, { repair: false });
    found.push(...answer.expect(200).data.findings.map((finding) => JSON.stringify(finding)));
  }
  return found;
}

/** Background work may be in the middle of something. */
async function untilClean(what: string, find: () => Promise<string[]>): Promise<string[]> {
  let found: string[] = [];
  const isClean = async () => {
    found = await find();
    return found.length === 0;
  };
  await until(`${what} is clean`, isClean, { timeoutMs: 30_000, everyMs: 500 }).catch((error) => {
    if (found.length === 0) throw error;
  });
  return found;
}
