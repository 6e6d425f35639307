import type { ClientBase } from 'pg';
import { HostConnections } from '../../src/provisioning/tenancy/hosts/host-connections.js';
import { HostProvisioner } from '../../src/provisioning/tenancy/hosts/host-provisioner.js';
import {
  PartitionKeeper,
  type PartitionRequest,
} from '../../src/provisioning/tenancy/partitions/partition-keeper.js';
import type { PartitionOutcome } from '../../src/provisioning/tenancy/partitions/partition-outcome.js';
import type { PartitionRule } from '../../src/provisioning/tenancy/partitions/partition-plan.js';
import type { ProvisioningFixture } from './provisioning-fixture.js';

export const NOW = new Date('2026-11-21T12:00:00Z');

const LEDGER = `
  CREATE TABLE locations (id integer PRIMARY KEY);
  INSERT INTO locations VALUES (1);
  CREATE TABLE ledger (
    id bigint GENERATED ALWAYS AS IDENTITY,
    location_id integer NOT NULL REFERENCES locations,
    created_at timestamptz NOT NULL,
    quantity numeric NOT NULL CHECK (quantity <> 0),
    note text DEFAULT 'none',
    doubled numeric GENERATED ALWAYS AS (quantity * 2) STORED,
    PRIMARY KEY (id, created_at)
  ) PARTITION BY RANGE (created_at);
  CREATE INDEX ledger_by_location ON ledger (location_id, created_at)`;

export interface MaintainOptions
  extends Partial<Pick<PartitionRequest, 'now' | 'dryRun' | 'moveDefaultRows' | 'expectTable'>> {
  rule?: Partial<PartitionRule>;
}

/** A hosting database whose schemas have the ledger, and the keeper at work on them. */
export class PartitionsFixture {
  private constructor(
    private readonly provisioning: ProvisioningFixture,
    readonly databaseName: string,
  ) {}

  static async start(provisioning: ProvisioningFixture): Promise<PartitionsFixture> {
    const { databaseName, username } = await provisioning.make();
    const hosts = provisioning.context.get(HostProvisioner);
    await hosts.ensure(provisioning.server, { databaseName, ownerRole: username });
    return new PartitionsFixture(provisioning, databaseName);
  }

  /** As the provisioner, in a session of its own for this work. */
  session<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    return this.provisioning.context
      .get(HostConnections)
      .use(this.provisioning.server, this.databaseName, work);
  }

  /** A schema, and in it what the SQL makes; names in it mean the schema's own. */
  async makeSchema(name: string, sql = LEDGER): Promise<void> {
    await this.execute(name, `CREATE SCHEMA ${name}; SET LOCAL search_path = ${name}; ${sql}`);
  }

  /** One message as the provisioner. */
  async execute(schema: string, sql: string): Promise<void> {
    await this.session((client) => client.query(`SET LOCAL search_path = ${schema}; ${sql}`));
  }

  async rows<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
    return this.session(async (client) => (await client.query<T>(sql, values)).rows);
  }

  /** `name from to` of each partition, as PostgreSQL tells them in UTC. */
  async partitions(schema: string, table = 'ledger'): Promise<string[]> {
    const found = await this.rows<{ name: string; bounds: string }>(
      `SELECT c.relname AS name, pg_get_expr(c.relpartbound, 0) AS bounds
       FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass
       ORDER BY c.relname`,
      [`${schema}.${table}`],
    );
    return found.map(
      ({ name, bounds }) =>
        `${name} ${bounds.replace(/FOR VALUES FROM \('(.*)'\) TO \('(.*)'\)/, '$1 $2').replaceAll(/ 00:00:00(\+00)?/g, '')}`,
    );
  }

  async exists(schema: string, table: string): Promise<boolean> {
    const [row] = await this.rows<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
      `${schema}.${table}`,
    ]);
    return row?.found === true;
  }

  /** Outcomes by schema. */
  async maintain(
    schemas: readonly string[],
    options: MaintainOptions = {},
  ): Promise<Record<string, PartitionOutcome>> {
    const { rule, ...request } = options;
    const outcomes = await this.provisioning.context.get(PartitionKeeper).maintain(
      { server: this.provisioning.server, databaseName: this.databaseName },
      schemas.map((schemaName) => ({ tenantId: schemaName, slug: schemaName, schemaName })),
      {
        rule: {
          table: 'ledger',
          interval: 'month',
          premake: 1,
          retentionMonths: null,
          onRetention: 'detach',
          timeZone: 'UTC',
          ...rule,
        },
        now: NOW,
        dryRun: false,
        moveDefaultRows: false,
        expectTable: true,
        signal: new AbortController().signal,
        ...request,
      },
    );
    return Object.fromEntries(outcomes.map((outcome) => [outcome.target.schemaName, outcome]));
  }
}
