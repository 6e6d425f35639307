import { Inject, Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import type { ManagedServer } from '../managed-server.js';
import { markOf } from '../marks.js';
import { PoolerAliases } from '../pooler-aliases.js';
import { compare } from './compare.js';
import { readExpectedHomes } from './expected-homes.js';
import { readExpectedLogins } from './expected-logins.js';
import { readExpectedTenancy } from './expected-tenancy.js';
import type { Finding, RepairAction } from './finding.js';
import { ObjectOwnership } from './object-ownership.js';
import { observeServer } from './observed-server.js';
import { Repair } from './repair.js';

export interface ReportedFinding extends Omit<Finding, 'action'> {
  /** `needed`: a repair would mend it. `none`: a person has to decide. */
  readonly repair: 'done' | 'failed' | 'needed' | 'none';
}

export interface ReconciliationReport {
  readonly databases: number;
  readonly roles: number;
  /** Null where the pooler's entries are not Rowhouse's. */
  readonly aliases: number | null;
  readonly findings: readonly ReportedFinding[];
}

const UNDOING: ReadonlySet<RepairAction['type']> = new Set<RepairAction['type']>([
  'reset_settings',
  'restore_host_login',
  'restore_host_roles',
  'revoke_connect',
]);

/** Compares a server with the control database. */
@Injectable()
export class Reconciler {
  private readonly logger = new Logger(Reconciler.name);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly repair: Repair,
    private readonly aliases: PoolerAliases,
    private readonly ownership: ObjectOwnership,
  ) {}

  report(server: ManagedServer): Promise<ReconciliationReport> {
    return this.reconcile(server, async (finding) => toRepair(finding));
  }

  /**
   * Mends what tenants can change without leave: passwords, where an administrator changed nothing else of the home; whom
   * they let in; and settings for others' databases. And roles in which Rowhouse alone works.
   */
  reportAndUndo(server: ManagedServer): Promise<ReconciliationReport> {
    return this.reconcile(server, async (finding, found) =>
      isUndoable(finding) || isPasswordAlone(finding, found) ? this.mend(server, finding) : toRepair(finding),
    );
  }

  /** Mends roles, grants, limits and pooler entries, and reports what it did. */
  async reportAndRepair(server: ManagedServer): Promise<ReconciliationReport> {
    const report = await this.reconcile(server, (finding) => this.mend(server, finding));
    await this.aliases.sync(server);
    return report;
  }

  private async reconcile(
    server: ManagedServer,
    treat: (finding: Finding, found: readonly Finding[]) => Promise<ReportedFinding['repair']>,
  ): Promise<ReconciliationReport> {
    const before = await this.readHomes(server);
    const tenancyBefore = await this.readTenancy(server);
    const loginsBefore = await readExpectedLogins(this.dataSource, server.id);
    const observed = await observeServer(server, tenancyBefore.hostNames);
    const after = await this.readHomes(server);
    const tenancyAfter = await this.readTenancy(server);
    const loginsAfter = await readExpectedLogins(this.dataSource, server.id);
    const open = new Set(
      observed.databases.filter(({ allowsConnections }) => allowsConnections).map(({ name }) => name),
    );
    const objects = await this.ownership.find(server, open);
    const compared = compare({
      before,
      after,
      loginsBefore,
      loginsAfter,
      tenancyBefore,
      tenancyAfter,
      observed,
      mark: markOf(server),
      poolerRole: server.config.pooler?.authUser ?? null,
      controlDatabase: this.config.control.database,
    });
    const found = [...compared, ...objects];
    const findings: ReportedFinding[] = [];
    for (const finding of found) {
      const { kind, name, databaseId, detail } = finding;
      findings.push({ kind, name, databaseId, detail, repair: await treat(finding, found) });
    }
    const { databases, roles, aliases } = observed;
    return { databases: databases.length, roles: roles.length, aliases: aliases?.length ?? null, findings };
  }

  private readHomes(server: ManagedServer) {
    return readExpectedHomes(this.dataSource, server.id, this.config.databases.defaultMaxConnections);
  }

  private readTenancy(server: ManagedServer) {
    return readExpectedTenancy(this.dataSource, server.id, this.config.tenants.defaultMaxConnections);
  }

  private async mend(
    server: ManagedServer,
    { action, kind, name }: Finding,
  ): Promise<ReportedFinding['repair']> {
    if (!action) return 'none';
    try {
      return (await this.repair.run(server, action)) ? 'done' : 'needed';
    } catch (error) {
      this.logger.error(`The repair of ${kind} of ${name} failed`, error);
      return 'failed';
    }
  }
}

function toRepair({ action }: Finding): ReportedFinding['repair'] {
  return action ? 'needed' : 'none';
}

/** A repair mends all logins of a home; what an administrator may have meant stays for a person to decide. */
function isPasswordAlone(finding: Finding, found: readonly Finding[]): boolean {
  const home = homeOf(finding);
  const same = found.filter((other) => home !== null && homeOf(other) === home && !isUndoable(other));
  return same.includes(finding) && same.every(({ kind }) => kind === 'role_password_drifted');
}

function isUndoable({ action }: Finding): boolean {
  return action !== null && UNDOING.has(action.type);
}

function homeOf({ action }: Finding): string | null {
  return action && 'home' in action ? action.home.id : null;
}
