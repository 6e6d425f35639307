import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { homeAccess } from '../../provisioning/access/home-access.js';
import type { AddedRuleDto, RemovedRuleDto, WhitelistDto, WhitelistRuleDto } from './dto/whitelist.dto.js';
import type { WhitelistHome } from './whitelist-home.js';
import { statusOf, type WhitelistRule } from './whitelist-rule.js';

/** What a change tells besides the rules. */
export interface Advice {
  readonly overlaps: readonly string[];
  readonly warning: string | null;
}

/** Turns rows into answers. */
@Injectable()
export class WhitelistPresenter {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  rule(rule: WhitelistRule): WhitelistRuleDto {
    return {
      id: rule.id,
      database_id: rule.databaseId,
      tenant_id: rule.tenantId,
      ip_address: rule.network,
      description: rule.description,
      expires_at: rule.expiresAt?.toISOString() ?? null,
      status: statusOf(rule),
      applied_at: rule.appliedAt?.toISOString() ?? null,
      created_by: rule.createdBy,
      created_at: rule.createdAt.toISOString(),
    };
  }

  added(rule: WhitelistRule, { overlaps, warning }: Advice): AddedRuleDto {
    return { ...this.rule(rule), overlaps: [...overlaps], warning };
  }

  list(home: WhitelistHome, rules: readonly WhitelistRule[], { overlaps, warning }: Advice): WhitelistDto {
    return {
      rules: rules.map((rule) => this.rule(rule)),
      access: homeAccess(home, this.config.defaultAccess),
      overlaps: [...overlaps],
      warning,
    };
  }

  removed(home: WhitelistHome, { id, network }: WhitelistRule, { warning }: Advice): RemovedRuleDto {
    const access = homeAccess(home, this.config.defaultAccess);
    return { id, ip_address: network, status: 'removed', access, warning };
  }

  /** For the audit trail. */
  audited(rules: readonly WhitelistRule[]): object {
    return {
      rules: rules.map(({ id, network, description, expiresAt }) => ({
        id,
        ip_address: network,
        description,
        expires_at: expiresAt,
      })),
    };
  }
}
