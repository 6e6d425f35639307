import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { RequestContext } from '../../http/request-context.js';
import { type OperationReply, toReply } from '../../operations/operation-reply.js';
import { OperationsService } from '../../operations/operations.service.js';
import { type HomeKey, type LoginHome, LoginHomes } from '../../provisioning/logins/login-home.js';
import { loginName } from '../../provisioning/logins/login-names.js';
import { type LoginSession, LoginSessions } from '../../provisioning/logins/login-sessions.js';
import { LoginStore, type Overlap } from '../../provisioning/logins/login-store.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import type {
  LoginSessionDto,
  LoginSessionsDto,
  LoginsDto,
  PreviousLoginDto,
} from './dto/credentials.dto.js';
import { OverlapEnd } from './overlap-end.js';

const MAX_LISTED = 100;

/** What a home's clients log in with, and who still uses the login of before. */
@Injectable()
export class CredentialsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly homes: LoginHomes,
    private readonly store: LoginStore,
    private readonly sessions: LoginSessions,
    private readonly servers: ServerRegistry,
    private readonly operations: OperationsService,
    private readonly end: OverlapEnd,
  ) {}

  async get(key: HomeKey): Promise<LoginsDto> {
    const home = await this.homes.resolve(key);
    const overlap = await this.store.findOverlap(home);
    return {
      current: { username: loginName(home), since: home.loginSince.toISOString() },
      previous: overlap && (await this.previous(home, overlap)),
    };
  }

  /** Refuses the previous login now. */
  async endOverlap(context: RequestContext, key: HomeKey): Promise<OperationReply<LoginsDto>> {
    const operation = await this.dataSource.transaction(async (tx) => {
      const home = await this.homes.getLocked(tx, await this.homes.resolve(key, tx));
      return this.end.begin(tx, context, home);
    });
    const ended = await this.operations.run(operation, context.waitMs);
    return toReply(ended, { created: false, resource: () => this.get(key) });
  }

  private async previous(home: LoginHome, overlap: Overlap): Promise<PreviousLoginDto> {
    const { username, endsAt, endsWhenUnused } = overlap;
    const found = await this.sessions.list(this.servers.get(home.serverId), [username]);
    return {
      username,
      ends_at: endsAt.toISOString(),
      ends_when_unused: endsWhenUnused,
      sessions: toSessions(found),
    };
  }
}

function toSessions(found: readonly LoginSession[]): LoginSessionsDto {
  const pooled = found.filter(({ port }) => port === 'pooled').length;
  return { direct: found.length - pooled, pooled, list: found.slice(0, MAX_LISTED).map(toSession) };
}

function toSession({ port, address, applicationName, since }: LoginSession): LoginSessionDto {
  return { port, address, application_name: applicationName, since: since.toISOString() };
}
