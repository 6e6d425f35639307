import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../../config/config.js';
import { quoteLiteral, SchemaName } from '../../../kernel/identifiers.js';
import { generatePassword, randomHex } from '../../../kernel/ids.js';
import { scramVerifier } from '../../../kernel/scram.js';
import { defaultTenantSettings } from '../../default-settings.js';
import type { ManagedServer } from '../../managed-server.js';
import { PoolerAliases } from '../../pooler-aliases.js';
import { HostConnections } from '../hosts/host-connections.js';
import { Registry, type RegistryEntry } from '../hosts/registry.js';
import { SchemaProvisioner, type SchemaTenant } from '../schemas/schema-provisioner.js';
import type { LeakProbe } from './leak-probe-store.js';

/** A throw-away tenant that is there, with its one row. */
export interface MadeProbe {
  readonly name: string;
  readonly password: string;
  readonly note: string;
}

/** Logged in on both sides of a swap, and a statement alone beside them. */
const MAX_CONNECTIONS = 5;
const EMPTY = { template: null, seeds: false };

/** Makes and removes the tenants of a self-test, as real ones are made. Every method looks first and acts second. */
@Injectable()
export class LeakProbes {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly schemas: SchemaProvisioner,
    private readonly registry: Registry,
    private readonly connections: HostConnections,
    private readonly aliases: PoolerAliases,
  ) {}

  /** Both, with new passwords and the row of each anew. */
  async make(server: ManagedServer, probe: LeakProbe): Promise<{ a: MadeProbe; b: MadeProbe }> {
    const [a, b] = this.tenantsOf(probe);
    return { a: await this.makeOne(server, a), b: await this.makeOne(server, b) };
  }

  async remove(server: ManagedServer, probe: LeakProbe): Promise<void> {
    await this.aliases.evictAll(server, [probe.alias]);
    for (const tenant of this.tenantsOf(probe)) {
      await this.schemas.disableLogin(server, tenant);
      await this.schemas.dropSchema(server, tenant);
      await this.schemas.dropRole(server, tenant);
    }
  }

  private async makeOne(server: ManagedServer, planned: SchemaTenant): Promise<MadeProbe> {
    const password = generatePassword();
    const tenant = { ...planned, scramVerifier: await scramVerifier(password) };
    const name = tenant.schemaName;
    const note = `${name} ${randomHex(8)}`;
    await this.schemas.ensureRole(server, tenant);
    await this.schemas.prepareRole(server, tenant);
    await this.schemas.ensureSchema(server, tenant, EMPTY);
    await this.registry.describe(server, tenant.databaseName, inRegistry(name));
    await this.connections.use(server, tenant.databaseName, (client) => client.query(fill(name, note)));
    await this.schemas.enableLogin(server, tenant);
    return { name, password, note };
  }

  /** Their OIDs are not recorded: the registry row and the mark prove whose they are. */
  private tenantsOf({ alias, databaseName, tenantA, tenantB }: LeakProbe): [SchemaTenant, SchemaTenant] {
    const tenant = (id: string, name: string): SchemaTenant => ({
      ...defaultTenantSettings(this.config),
      maxConnections: MAX_CONNECTIONS,
      id,
      databaseName,
      schemaName: name,
      schemaOid: null,
      username: name,
      roleOid: null,
      scramVerifier: '',
    });
    return [tenant(tenantA, `${alias}_a`), tenant(tenantB, `${alias}_b`)];
  }
}

/** Not active, so that applications that list the active tenants pass it by. */
function inRegistry(name: string): RegistryEntry {
  return { schemaName: name, slug: name, name: 'leak self-test', status: 'creating' };
}

function fill(schema: string, note: string): string {
  const table = `${SchemaName.of(schema).sql}.products`;
  return `BEGIN; DROP TABLE IF EXISTS ${table};
    CREATE TABLE ${table} (id integer PRIMARY KEY, note text NOT NULL);
    INSERT INTO ${table} VALUES (1, ${quoteLiteral(note)}); COMMIT`;
}
