/** Every scope that a route may ask for: resource by verb. `*` grants all. */
export const SCOPES = [
  'databases:read',
  'databases:write',
  'databases:delete',
  'credentials:read',
  'credentials:rotate',
  'whitelists:read',
  'whitelists:write',
  'roles:read',
  'roles:write',
  'hosts:read',
  'hosts:write',
  'tenants:read',
  'tenants:write',
  'tenants:delete',
  'tenants:sql',
  'templates:read',
  'templates:write',
  'migrations:read',
  'migrations:write',
  'partitions:read',
  'partitions:write',
  'operations:read',
  'operations:cancel',
  'api-keys:read',
  'api-keys:write',
  'bans:read',
  'bans:write',
  'metrics:read',
  'servers:read',
  'servers:reconcile',
  '*',
] as const;

export type Scope = (typeof SCOPES)[number];

export function grants(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.includes('*') || scopes.includes(needed);
}
