import type { ApiResponse } from './api-response.js';
import type { World } from './world.js';

export interface Rule {
  id: string;
  database_id: string | null;
  tenant_id: string | null;
  ip_address: string;
  description: string;
  expires_at: string | null;
  status: 'stored' | 'applied' | 'removing' | 'expired';
  applied_at: string | null;
  created_by: string;
  created_at: string;
}

export interface AddedRule extends Rule {
  overlaps: string[];
  warning: string | null;
}

export interface Whitelist {
  rules: Rule[];
  access: 'open' | 'restricted' | 'closed';
  overlaps: string[];
  warning: string | null;
}

export interface PortCheck {
  port: number;
  kind: 'direct' | 'pooled';
  allowed: boolean;
  rule: { id: string; ip_address: string; description: string } | null;
  reason: string;
  tls_required: boolean;
  in_force: boolean;
}

/** `kind`: of what the whitelist is. */
export function whitelistOf({ id }: { id: string }, kind: 'databases' | 'tenants' = 'databases'): string {
  return `/api/${kind}/${id}/whitelist`;
}

export async function addRule(
  { api }: World,
  list: string,
  ipAddress: string,
  fields = {},
): Promise<AddedRule> {
  return (await api.post<AddedRule>(list, { ipAddress, ...fields })).expect(201).data;
}

export async function listRules({ api }: World, list: string): Promise<Rule[]> {
  return (await api.get<Rule[]>(list)).expect(200).data;
}

export async function networksIn(world: World, list: string): Promise<string[]> {
  return (await listRules(world, list)).map((rule) => rule.ip_address).sort();
}

/** The list as it is now replaced, whatever it was. */
export async function setRules(
  { api }: World,
  list: string,
  rules: readonly (string | object)[],
): Promise<ApiResponse<Whitelist>> {
  return (await api.put<Whitelist>(list, { rules, force: true }, { headers: { 'if-match': '*' } })).expect(
    200,
  );
}
