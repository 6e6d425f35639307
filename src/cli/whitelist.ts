import { ApiFailure, apiList, apiRequest } from './api-client.js';
import { done, print } from './progress.js';

interface Rule {
  readonly id: string;
  readonly ip_address: string;
  readonly description: string;
  readonly expires_at: string | null;
  readonly status: string;
}

interface Change {
  readonly rules: readonly Rule[];
  readonly access: string;
  readonly overlaps: readonly string[];
  readonly warning: string | null;
}

export interface AddOptions {
  readonly description?: string;
  readonly expires?: string;
  readonly force?: true;
}

export async function listWhitelist(home: string): Promise<void> {
  const rules = await apiList<Rule>(`${await pathOf(home)}?limit=200`);
  for (const { id, ip_address, status, expires_at, description } of rules)
    print(
      `${id}  ${ip_address.padEnd(43)}  ${status.padEnd(8)}  ${expires_at ?? 'never ends'}  ${description}`,
    );
  if (rules.length === 0) done('The whitelist is empty');
}

export async function addToWhitelist(
  home: string,
  networks: readonly string[],
  { description, expires, force }: AddOptions,
): Promise<void> {
  const add = networks.map((ipAddress) => ({
    ipAddress,
    ...(description !== undefined && { description }),
    ...(expires !== undefined && { expiresAt: expires }),
  }));
  await change(home, { add, ...(force && { force }) });
}

/** `rules`: ids or networks. */
export async function removeFromWhitelist(
  home: string,
  rules: readonly string[],
  { force }: { readonly force?: true },
): Promise<void> {
  await change(home, { remove: rules, ...(force && { force }) });
}

async function change(home: string, body: object): Promise<void> {
  const { rules, access, overlaps, warning } = await apiRequest<Change>('PATCH', await pathOf(home), body);
  // A change that takes longer is answered with its operation.
  if (access === undefined)
    return done('The whitelist is stored; it comes into force when the servers answer');
  if (overlaps.length > 0) print(`Shares addresses with ${overlaps.join(', ')}`);
  if (warning !== null) print(warning);
  done(`The whitelist has ${rules.length} rules and is in force; access is ${access}`);
}

/** The id tells not whose it is. */
async function pathOf(home: string): Promise<string> {
  const id = encodeURIComponent(home);
  for (const kind of ['databases', 'tenants']) {
    if (await exists(`/api/${kind}/${id}/whitelist?limit=1`)) return `/api/${kind}/${id}/whitelist`;
  }
  throw new ApiFailure(`There is no database and no tenant with the id ${home}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await apiRequest('GET', path);
    return true;
  } catch (error) {
    if (error instanceof ApiFailure && error.answer?.status === 404) return false;
    throw error;
  }
}
