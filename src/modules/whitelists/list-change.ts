import { Cidr } from '../../kernel/cidr.js';
import { type FieldError, RowhouseError } from '../../kernel/errors.js';
import type { NewRuleDto } from './dto/requests.dto.js';
import { MAX_RULES, statusOf, type WhitelistRule } from './whitelist-rule.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A rule that a request asks for, and where in the request. */
export interface RuleWish {
  readonly network: Cidr;
  readonly description: string;
  readonly expiresAt: Date | null;
  /** Of its network: `ipAddress`, `rules[2].ipAddress`. */
  readonly field: string;
}

export interface RuleUpdate {
  readonly rule: WhitelistRule;
  readonly wish: RuleWish;
}

/** What is to be done to a list; the rest stays. */
export interface ListChange {
  readonly added: readonly RuleWish[];
  readonly removed: readonly WhitelistRule[];
  readonly updated: readonly RuleUpdate[];
}

/** `parent`: where the rule stands in the request; empty at its top. */
export function toWish({ ipAddress, description, expiresAt }: NewRuleDto, parent: string): RuleWish {
  return {
    network: Cidr.parse(ipAddress),
    description: description ?? '',
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
    field: parent === '' ? 'ipAddress' : `${parent}.ipAddress`,
  };
}

/** Throws VALIDATION_FAILED for networks that are named twice and for times that are past, and CONFLICT for known ones. */
export function planAddition(
  rules: readonly WhitelistRule[],
  wishes: readonly RuleWish[],
  now: Date,
): ListChange {
  assertValid([...findTwins(wishes), ...findPast(wishes, now)]);
  const known = byNetwork(rules);
  const taken = wishes.flatMap((wish) => {
    const rule = known.get(String(wish.network));
    return rule ? [{ field: wish.field, message: describeTaken(rule) }] : [];
  });
  if (taken.length > 0) throw refusal('CONFLICT', taken);
  return { added: wishes, removed: [], updated: [] };
}

/** A network may be taken away and added again in one change. `removals`: ids or networks of rules of the list. */
export function planPatch(
  rules: readonly WhitelistRule[],
  { wishes, removals }: { wishes: readonly RuleWish[]; removals: readonly string[] },
  now: Date,
): ListChange {
  const found = removals.map((text) => findRule(rules, text));
  const unknown = found.flatMap((rule, at) =>
    rule ? [] : [{ field: `remove[${at}]`, message: 'is not in the list' }],
  );
  if (unknown.length > 0) throw refusal('NOT_FOUND', unknown);
  const removed = new Set(found.filter((rule) => rule !== null));
  const rest = rules.filter((rule) => !removed.has(rule));
  return { ...planAddition(rest, wishes, now), removed: [...removed] };
}

/** Rules whose network stays are kept, with their description and expiry as the new list has them. */
export function planReplacement(
  rules: readonly WhitelistRule[],
  wishes: readonly RuleWish[],
  now: Date,
): ListChange {
  const known = byNetwork(rules);
  const kept = wishes.flatMap((wish) => {
    const rule = known.get(String(wish.network));
    return rule ? [{ rule, wish }] : [];
  });
  const updated = kept.filter(({ rule, wish }) => isDifferent(rule, wish));
  const unchanged = new Set(kept.filter(({ rule, wish }) => hasExpiry(rule, wish)).map(({ wish }) => wish));
  assertValid([
    ...findTwins(wishes),
    ...findPast(
      wishes.filter((wish) => !unchanged.has(wish)),
      now,
    ),
  ]);
  const staying = new Set(kept.map(({ rule }) => rule));
  return {
    added: wishes.filter((wish) => !known.has(String(wish.network))),
    removed: rules.filter((rule) => !staying.has(rule)),
    updated,
  };
}

/** Throws VALIDATION_FAILED when the list would get longer than a list may be. */
export function assertRoom(size: number, { added, removed }: ListChange, field: string): void {
  if (added.length === 0 || size + added.length - removed.length <= MAX_RULES) return;
  const message = `a list has at most ${MAX_RULES} rules; this one has ${size}`;
  assertValid([{ field, message }]);
}

/** The networks that have an address in common with one that is added, and are not that one. */
export function findOverlaps(networks: readonly Cidr[], added: readonly RuleWish[]): string[] {
  const overlapping = networks.filter((network) =>
    added.some((wish) => !wish.network.equals(network) && wish.network.overlaps(network)),
  );
  return overlapping.sort(Cidr.compare).map(String);
}

function byNetwork(rules: readonly WhitelistRule[]): Map<string, WhitelistRule> {
  return new Map(rules.map((rule) => [String(Cidr.parse(rule.network)), rule]));
}

function findRule(rules: readonly WhitelistRule[], text: string): WhitelistRule | null {
  if (UUID.test(text)) return rules.find(({ id }) => id === text.toLowerCase()) ?? null;
  return byNetwork(rules).get(String(Cidr.parse(text))) ?? null;
}

function isDifferent(rule: WhitelistRule, wish: RuleWish): boolean {
  return rule.description !== wish.description || !hasExpiry(rule, wish);
}

function hasExpiry(rule: WhitelistRule, wish: RuleWish): boolean {
  return rule.expiresAt?.getTime() === wish.expiresAt?.getTime();
}

function findTwins(wishes: readonly RuleWish[]): FieldError[] {
  const first = new Map<string, string>();
  return wishes.flatMap(({ network, field }) => {
    const earlier = first.get(String(network));
    if (earlier) return [{ field, message: `names the same network as ${earlier}: ${network}` }];
    first.set(String(network), field);
    return [];
  });
}

function findPast(wishes: readonly RuleWish[], now: Date): FieldError[] {
  const past = wishes.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now);
  return past.map(({ field }) => ({
    field: field.replace(/ipAddress$/, 'expiresAt'),
    message: 'must be in the future',
  }));
}

function describeTaken(rule: WhitelistRule): string {
  const what = statusOf(rule) === 'expired' ? 'an expired rule of the list' : 'in the list already';
  return `is ${what}: ${rule.network} is rule ${rule.id}`;
}

function assertValid(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw refusal('VALIDATION_FAILED', errors);
}

function refusal(
  code: 'VALIDATION_FAILED' | 'CONFLICT' | 'NOT_FOUND',
  errors: readonly FieldError[],
): RowhouseError {
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new RowhouseError(code, detail, { errors });
}
