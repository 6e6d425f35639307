import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { systemContext } from '../../http/request-context.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { FIND_VERIFIER } from '../../infra/postgres/login-sql.js';
import type { ManagedServer } from '../managed-server.js';
import { FurtherLogins } from './further-logins.js';
import type { LoginHome } from './login-home.js';
import { LoginSessions } from './login-sessions.js';
import type { Overlap } from './login-store.js';

export interface Restoration {
  /** The overlap that goes on; null when there is none, or when it ends with the operation. */
  readonly overlap: Overlap | null;
  readonly operationId: string;
}

/**
 * PostgreSQL lets every role change its own password (manual, ALTER ROLE), so whoever acts as a home's own role may
 * change that role's: a temporary owner, and either login of a rotation. It must not outlast their leaving.
 */
@Injectable()
export class OwnLogin {
  private readonly logger = new Logger('Credentials');

  constructor(
    private readonly dataSource: DataSource,
    private readonly logins: FurtherLogins,
    private readonly sessions: LoginSessions,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Once the sessions of those who leave have ended: puts the password back that Rowhouse gave, and ends all who may
   * have logged in with another. A suspended home gets its password when it is resumed.
   */
  async restore(
    server: ManagedServer,
    home: LoginHome,
    { overlap, operationId }: Restoration,
  ): Promise<void> {
    if (home.status !== 'active') return;
    const wanted = verifierOf(home, overlap);
    const found = await server.postgres.find<{ verifier: string | null }>(FIND_VERIFIER, [home.username]);
    if (!found || found.verifier === wanted) return;
    // Nobody logs in meanwhile: who is let in by the changed password could change it again.
    await this.logins.refuse(server, home);
    await this.sessions.endAll(server, home);
    await this.sessions.endRemainders(server, home.alias, home.username);
    if (wanted !== null) await this.logins.admitTurn(server, home, home.username, wanted);
    await this.report(home, operationId);
  }

  private async report({ type, id, username }: LoginHome, operationId: string): Promise<void> {
    this.logger.warn(`role_password_drifted ${username}: somebody who acted as it had changed its password`);
    await this.audit.record(this.dataSource.manager, systemContext('credentials'), {
      action: `${type}.restore_password`,
      resourceType: type,
      resourceId: id,
      operationId,
      before: { username, finding: 'role_password_drifted' },
      outcome: 'succeeded',
    });
  }
}

/** Null while the own role has no turn: then it has no password at all. */
function verifierOf({ login, username, scramVerifier }: LoginHome, overlap: Overlap | null): string | null {
  if (login === 'own') return scramVerifier;
  return overlap?.username === username ? overlap.scramVerifier : null;
}
