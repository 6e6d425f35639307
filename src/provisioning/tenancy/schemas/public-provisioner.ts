import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { FIND_SCHEMA, type SchemaRow } from '../../../infra/postgres/host-sql.js';
import { inTransaction } from '../../../infra/postgres/postgres-admin.js';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { HostTemplates } from '../hosts/host-templates.js';
import { asRefusal } from './template-refusal.js';
import { kindsOf, renderStages } from './template-stages.js';

/** A tenant with a database of its own, as far as its template goes. */
export interface PublicTenant {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly databaseName: string;
  readonly templateId: string | null;
  readonly templateVersion: number;
}

const REGISTER_PUBLIC = `
  INSERT INTO shared.tenants (id, slug, name, schema_name, template_id) VALUES ($1, $2, $3, 'public', $4)`;
const OPEN_TO_READERS = 'SELECT shared.open_own_database()';

/** The template's tables of a tenant with a database of its own: they stand in its schema `public`. */
@Injectable()
export class PublicProvisioner {
  constructor(
    private readonly connections: HostConnections,
    private readonly templates: HostTemplates,
  ) {}

  /** Tables, seeds, ledger and registry row. Returns the schema's OID. */
  async ensureTables(server: ManagedServer, tenant: PublicTenant, seeds: boolean): Promise<number> {
    const { templateId, templateVersion: version, databaseName } = tenant;
    return this.connections.use(server, databaseName, async (client) => {
      if (templateId !== null) {
        await this.templates.ensure(client, { server, databaseName }, { templateId, version });
        await fillPublic(client, { ...tenant, templateId }, seeds);
      }
      const { rows } = await client.query<SchemaRow>(FIND_SCHEMA, ['public']);
      return rows[0]?.oid ?? 0;
    });
  }
}

/** The registry row comes last: it tells that everything before it is there. */
async function fillPublic(
  client: ClientBase,
  tenant: PublicTenant & { readonly templateId: string },
  seeds: boolean,
): Promise<void> {
  const { id, slug, name, templateId, templateVersion } = tenant;
  const { rows } = await client.query('SELECT FROM shared.tenants WHERE id = $1', [id]);
  if (rows.length > 0) return;
  const stages = { schemaName: 'public', first: 1, last: templateVersion, kinds: kindsOf({ seeds }) };
  await client.query(renderStages({ ...stages, templateId })).catch((error: unknown) => {
    throw asRefusal(error);
  });
  await inTransaction(client, async () => {
    await client.query(REGISTER_PUBLIC, [id, slug, name, templateId]);
    await client.query(OPEN_TO_READERS);
  });
}
