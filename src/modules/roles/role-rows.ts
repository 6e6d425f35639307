import type { RequestContext } from '../../http/request-context.js';
import { Cidr } from '../../kernel/cidr.js';
import { invalidField } from '../../kernel/errors.js';
import { newId } from '../../kernel/ids.js';
import type { FreshCredentials } from '../../provisioning/home-credentials.js';
import type { LoginHome } from '../../provisioning/logins/login-home.js';
import { RESERVED_ROLE_NAMES, roleUsername } from '../../provisioning/logins/login-names.js';
import type { LoginRow } from '../../provisioning/logins/login-store.js';
import type { CreateRoleDto, PatchRoleDto } from './dto/requests.dto.js';
import { defaultConnections } from './role-limits.js';

export type RoleChanges = Partial<Pick<LoginRow, 'expiresAt' | 'networks' | 'maxConnections'>>;

/** Throws VALIDATION_FAILED. */
export function assertFree(name: string): void {
  if (RESERVED_ROLE_NAMES.has(name)) throw invalidField('name', `"${name}" is reserved`);
}

/** The row of a role to come. */
export function newRole(
  home: LoginHome,
  dto: CreateRoleDto,
  { context, fresh, at }: { context: RequestContext; fresh: FreshCredentials; at: Date },
): LoginRow {
  return {
    id: newId(),
    databaseId: home.type === 'database' ? home.id : null,
    tenantId: home.type === 'tenant' ? home.id : null,
    purpose: 'role',
    name: dto.name,
    username: roleUsername(home.username, dto.name),
    roleOid: null,
    access: dto.access,
    status: 'creating',
    maxConnections: defaultConnections(home),
    networks: null,
    expiresAt: null,
    ...toChanges(home, dto, at),
    scramVerifier: fresh.verifier,
    passwordCiphertext: fresh.ciphertext,
    nextScramVerifier: null,
    nextPasswordCiphertext: null,
    createdBy: context.principal.name,
    createdAt: at,
    updatedAt: at,
  };
}

/** What was given of them, checked. Throws VALIDATION_FAILED. */
export function toChanges(home: LoginHome, dto: PatchRoleDto, at: Date): RoleChanges {
  const { expiresAt, allowedCidrs, maxConnections } = dto;
  if (maxConnections !== undefined && maxConnections > home.maxConnections) {
    throw invalidField('maxConnections', `must be at most ${home.maxConnections}, the limit of its home`);
  }
  return {
    ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : future(expiresAt, at) }),
    ...(allowedCidrs !== undefined && { networks: allowedCidrs === null ? null : canonical(allowedCidrs) }),
    ...(maxConnections !== undefined && { maxConnections }),
  };
}

/** From where the role may come that could not before, or not for as long. */
export function openedNetworks(before: LoginRow | null, after: LoginRow): readonly string[] {
  const wanted = after.networks ?? [];
  if (!before?.networks || endOf(after) > endOf(before)) return wanted;
  const known = before.networks.map((text) => Cidr.parse(text));
  return wanted.filter((text) => !known.some((network) => network.covers(Cidr.parse(text))));
}

function endOf({ expiresAt }: LoginRow): number {
  return expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
}

function future(text: string, at: Date): Date {
  const end = new Date(text);
  if (Number.isNaN(end.getTime()) || end <= at) throw invalidField('expiresAt', 'must be in the future');
  return end;
}

/** Sorted, each once. */
function canonical(texts: readonly string[]): string[] {
  const networks = texts.map((text) => Cidr.parse(text)).sort(Cidr.compare);
  return [...new Set(networks.map(String))];
}
