import { randomHex } from '../../src/kernel/ids.js';
import type { ApiResponse } from '../support/api-response.js';
import type { NewDatabase } from '../support/databases.js';
import type { NewTenant, Template } from '../support/tenancy.js';
import type { World } from '../support/world.js';
import type { HomeKind, KnownHome, KnownHomes } from './known-homes.js';
import { addMark } from './marks.js';

/** What the load begins its homes' names with. */
export const PREFIX = 'load-';
const MOST = { databases: 8, tenants: 20 } as const;

export interface Subject {
  readonly world: World;
  readonly homes: KnownHomes;
  readonly template: Template;
}

/** Null: there was nothing to do it to. */
type Action = (subject: Subject) => Promise<ApiResponse<unknown> | null>;

/** Each as often as its weight says. */
export const ACTIONS: Readonly<Record<string, { readonly weight: number; readonly run: Action }>> = {
  'create database': { weight: 3, run: createDatabase },
  'create tenant': { weight: 4, run: (subject) => createTenant(subject, 'schema') },
  'create tenant with a database': { weight: 1, run: (subject) => createTenant(subject, 'database') },
  'clone tenant': { weight: 2, run: cloneTenant },
  'delete database': { weight: 2, run: (subject) => withOne(subject, 'databases', remove) },
  'delete tenant': { weight: 4, run: (subject) => withOne(subject, 'tenants', remove) },
  'change database': { weight: 2, run: (subject) => withOne(subject, 'databases', rename) },
  'change tenant': { weight: 3, run: (subject) => withOne(subject, 'tenants', rename) },
  'rotate database': { weight: 2, run: (subject) => withOne(subject, 'databases', rotate) },
  'rotate tenant': { weight: 2, run: (subject) => withOne(subject, 'tenants', rotate) },
  'whitelist database': { weight: 2, run: (subject) => withOne(subject, 'databases', setRules) },
  'whitelist tenant': { weight: 2, run: (subject) => withOne(subject, 'tenants', setRules) },
  'migrate tenants': { weight: 1, run: migrate },
};

async function createDatabase({ world, homes }: Subject) {
  if (homes.count('databases') >= MOST.databases) return null;
  const body = { friendlyName: PREFIX + randomHex(6), ownerEmail: 'load@example.com', maxConnections: 5 };
  const answer = await world.api.post<NewDatabase>('/api/databases', body, withKey());
  if (answer.status === 201) await addMark(homes.addDatabase(answer.data));
  return answer;
}

async function createTenant({ world, homes, template }: Subject, isolation: 'schema' | 'database') {
  if (homes.count('tenants') >= MOST.tenants) return null;
  const body = { slug: PREFIX + randomHex(6), templateId: template.id, isolation };
  const answer = await world.api.post<NewTenant>('/api/tenants', body, withKey());
  if (answer.status === 201) await addMark(homes.addTenant(answer.data, []));
  return answer;
}

async function cloneTenant(subject: Subject) {
  const { world, homes } = subject;
  if (homes.count('tenants') >= MOST.tenants) return null;
  return withOne(subject, 'tenants', async (_, source) => {
    const body = { slug: PREFIX + randomHex(6), withData: Math.random() < 0.5 };
    const answer = await world.api.post<NewTenant>(`/api/tenants/${source.id}/clone`, body);
    const inherited = body.withData ? [...source.inherited, source.mark] : [];
    if (answer.status === 201) await addMark(homes.addTenant(answer.data, inherited));
    return answer;
  });
}

async function remove({ world }: Subject, home: KnownHome) {
  home.state = 'unsure';
  const answer = await world.api.delete(`/api/${home.kind}/${home.id}`);
  if (answer.status === 200) home.state = 'gone';
  else if (isRefused(answer)) home.state = 'there';
  return answer;
}

async function rename({ world }: Subject, home: KnownHome) {
  const before = home.name;
  home.name = null;
  const name = PREFIX + randomHex(6);
  const body = home.kind === 'tenants' ? { name } : { friendlyName: name };
  const answer = await world.api.patch(`/api/${home.kind}/${home.id}`, body);
  if (answer.status === 200) home.name = name;
  else if (isRefused(answer)) home.name = before;
  return answer;
}

async function rotate({ world }: Subject, home: KnownHome) {
  const before = home.strings;
  home.strings = null;
  const body = Math.random() < 0.5 ? {} : { graceSeconds: 5 };
  const path = `/api/${home.kind}/${home.id}/rotate-credentials`;
  const answer = await world.api.post<NewDatabase>(path, body);
  if (answer.status === 200) home.strings = answer.data;
  else if (isRefused(answer)) home.strings = before;
  return answer;
}

/** Whoever comes from this machine always gets in. */
async function setRules({ world }: Subject, home: KnownHome) {
  const other = ['10', ...Array.from({ length: 3 }, () => Math.floor(Math.random() * 256))].join('.');
  const body = { rules: ['127.0.0.1', other], force: true };
  const path = `/api/${home.kind}/${home.id}/whitelist`;
  return world.api.put(path, body, { headers: { 'if-match': '*' } });
}

async function migrate({ world, template }: Subject) {
  const sql = `ALTER TABLE products ADD COLUMN c_${randomHex(6)} integer`;
  const added = await world.api.post(`/api/templates/${template.id}/versions`, { sql });
  if (!added.ok) return added;
  return world.api.post('/api/migrations', { templateId: template.id }, { prefer: 'respond-async' });
}

async function withOne(
  subject: Subject,
  kind: HomeKind,
  work: (subject: Subject, home: KnownHome) => Promise<ApiResponse<unknown>>,
): Promise<ApiResponse<unknown> | null> {
  const home = subject.homes.take(kind);
  if (!home) return null;
  try {
    return await work(subject, home);
  } finally {
    subject.homes.release(home);
  }
}

function withKey() {
  return { idempotencyKey: randomHex(12) };
}

/** With certainty nothing was changed. */
function isRefused({ status }: ApiResponse<unknown>): boolean {
  return status >= 400 && status < 500;
}
