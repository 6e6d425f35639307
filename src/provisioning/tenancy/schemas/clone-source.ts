import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { FIND_INSTALLED_EXTENSIONS } from '../../../infra/postgres/extension-sql.js';
import { RowhouseError } from '../../../kernel/errors.js';
import { ALLOWED_EXTENSIONS } from '../../extensions.js';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { LOST_OWNERSHIP } from '../hosts/lost-ownership.js';
import { FIND_FOREIGN_OBJECTS, FIND_OTHERS_OBJECTS, type ForeignObject } from './clone-source-sql.js';
import type { TenantHome } from './tenant-home.js';

type Source = Pick<TenantHome, 'isolation' | 'databaseName' | 'schemaName'>;

const ALLOWED: ReadonlySet<string> = new Set(ALLOWED_EXTENSIONS);
/** More would be no message. */
const NAMED_OBJECTS = 10;

/** A tenant that shall be cloned, looked at before anything is made. */
@Injectable()
export class CloneSource {
  constructor(private readonly connections: HostConnections) {}

  /** Throws CONFLICT where the tenant has what a clone, which is made from its template, would lack. */
  async assertCopyable(server: ManagedServer, source: Source): Promise<void> {
    const found = await this.connections.use(server, source.databaseName, (client) =>
      findForeign(client, source),
    );
    if (found.length === 0) return;
    const named = found.slice(0, NAMED_OBJECTS).map(nameOf);
    const more = found.length > named.length ? ['and more'] : [];
    throw new RowhouseError(
      'CONFLICT',
      `A clone with rows is made from the template, and would lack what else is in the tenant or does not belong to Rowhouse any more: ${[...named, ...more].join(', ')}. Remove it, or use pg_dump. ${LOST_OWNERSHIP}`,
    );
  }

  /** Of a tenant with a database of its own, those that Rowhouse installs. Without a template it has no provisioner. */
  async extensions({ postgres }: ManagedServer, { databaseName }: Source): Promise<string[]> {
    const { rows } = await postgres.inDatabase(databaseName, (client) =>
      client.query<{ name: string }>(FIND_INSTALLED_EXTENSIONS),
    );
    return rows.map(({ name }) => name).filter((name) => ALLOWED.has(name));
  }
}

async function findForeign(client: ClientBase, { isolation, schemaName }: Source): Promise<ForeignObject[]> {
  const sql = isolation === 'database' ? FIND_FOREIGN_OBJECTS : FIND_OTHERS_OBJECTS;
  const first = isolation === 'database' ? ALLOWED_EXTENSIONS : schemaName;
  return (await client.query<ForeignObject>(sql, [first, NAMED_OBJECTS + 1])).rows;
}

function nameOf({ kind, schema, name, identity }: ForeignObject): string {
  if (name === null) return `the ${kind} ${identity}`;
  const place = schema === null || schema === 'public' ? '' : `"${schema}".`;
  return `the ${kind} ${place}"${name}"`;
}
