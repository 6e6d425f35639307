import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { decodeCursor, type ListQuery, toPage } from '../../http/pagination.js';
import type { Page } from '../../http/reply.js';
import type { RequestContext } from '../../http/request-context.js';
import { grants } from '../../http/scopes.js';
import { AuditLog } from '../../infra/control-db/audit-log.js';
import { notFound, RowhouseError } from '../../kernel/errors.js';
import { HomeCredentials } from '../../provisioning/home-credentials.js';
import { type HomeKey, LoginHomes } from '../../provisioning/logins/login-home.js';
import { type LoginRow, LoginStore } from '../../provisioning/logins/login-store.js';
import type { RoleDto } from './dto/role.dto.js';
import { RolePresenter } from './role-presenter.js';

interface Wanted extends HomeKey {
  readonly roleId: string;
}

/** Everything that only looks. */
@Injectable()
export class RolesReader {
  constructor(
    private readonly dataSource: DataSource,
    private readonly homes: LoginHomes,
    private readonly store: LoginStore,
    private readonly presenter: RolePresenter,
    private readonly credentials: HomeCredentials,
    private readonly audit: AuditLog,
  ) {}

  async list(key: HomeKey, { cursor, limit }: ListQuery): Promise<Page<RoleDto>> {
    const home = await this.homes.resolve(key);
    const rows = await this.store.listRoles(home, { limit, after: decodeCursor(cursor) });
    return toPage(rows, limit, (row) => this.presenter.role({ type: key.type, home, row }));
  }

  /** Throws NOT_FOUND. */
  async getRow({ roleId, ...key }: Wanted): Promise<LoginRow> {
    const row = await this.store.find(await this.homes.resolve(key), roleId);
    if (row?.purpose !== 'role') throw notFound('role', roleId);
    return row;
  }

  async get(wanted: Wanted, password?: string): Promise<RoleDto> {
    const home = await this.homes.resolve(wanted);
    return this.presenter.role({ type: wanted.type, home, row: await this.getRow(wanted) }, password);
  }

  /** With the strings whole, for a key with the scope `credentials:read`; whoever looks leaves an audit row. */
  async reveal(context: RequestContext, wanted: Wanted): Promise<RoleDto> {
    if (!grants(context.principal.scopes, 'credentials:read')) {
      throw new RowhouseError('INSUFFICIENT_SCOPE', 'Showing a password needs the scope credentials:read.');
    }
    const { id, username, passwordCiphertext } = await this.getRow(wanted);
    const password = this.credentials.get(username, passwordCiphertext);
    await this.audit.record(this.dataSource.manager, context, {
      action: 'role.reveal_credentials',
      resourceType: 'role',
      resourceId: id,
      outcome: 'succeeded',
    });
    return this.get(wanted, password);
  }
}
