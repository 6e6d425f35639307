import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import type { RequestContext } from '../../http/request-context.js';
import { grants } from '../../http/scopes.js';
import { Cidr } from '../../kernel/cidr.js';
import { RowhouseError } from '../../kernel/errors.js';
import { readHomeNetworks } from '../../provisioning/access/home-networks.js';
import type { LoginHome } from '../../provisioning/logins/login-home.js';
import { type LoginRow, LoginStore } from '../../provisioning/logins/login-store.js';
import { assertWithinLimits } from './role-limits.js';
import { openedNetworks } from './role-rows.js';

export interface TermsChange {
  readonly home: LoginHome;
  readonly before: LoginRow | null;
  readonly after: LoginRow;
}

/** Whether a role may be as it is asked for, while its home is locked. */
@Injectable()
export class RoleTerms {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly store: LoginStore,
  ) {}

  /** Throws CONFLICT beyond the limits, and INSUFFICIENT_SCOPE for who would open a whitelist without leave. */
  async assertAllowed(tx: EntityManager, context: RequestContext, change: TermsChange): Promise<void> {
    const { home, after } = change;
    const others = (await this.store.list(home, tx)).filter((row) => isCounted(row) && row.id !== after.id);
    assertWithinLimits(home, others, change);
    if (!grants(context.principal.scopes, 'whitelists:write')) await this.assertCovered(tx, change);
  }

  /** A role's networks hold instead of its home's: where those are rules, they are as good as rules. */
  private async assertCovered(tx: EntityManager, { home, before, after }: TermsChange): Promise<void> {
    const opened = openedNetworks(before, after);
    if (opened.length === 0) return;
    const { defaultAccess } = this.config;
    const covering = await readHomeNetworks(tx, { home, until: after.expiresAt, defaultAccess });
    const strange = opened.filter((text) => !isCovered(text, covering));
    if (strange.length === 0) return;
    throw new RowhouseError(
      'INSUFFICIENT_SCOPE',
      `The whitelist of the ${home.type} does not let in ${strange.join(', ')} for as long; a role that may come from there needs the scope whitelists:write.`,
    );
  }
}

/** One on its way out counts no more: until it is gone, nothing else begins on its home. */
function isCounted({ purpose, status }: LoginRow): boolean {
  return purpose === 'role' && status !== 'deleting';
}

function isCovered(text: string, covering: readonly Cidr[] | null): boolean {
  const network = Cidr.parse(text);
  return covering === null || covering.some((rule) => rule.covers(network));
}
