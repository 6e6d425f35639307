import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config, type PoolerConfig } from '../../../config/config.js';
import { entranceOptions } from '../../../infra/postgres/entrance.js';
import { statementConnection } from '../../../infra/postgres/statement/statement-connection.js';
import { HomeCredentials } from '../../home-credentials.js';
import type { ManagedServer } from '../../managed-server.js';
import { HostConnections } from '../hosts/host-connections.js';
import { hostRoles } from '../hosts/host-roles.js';
import { APP_DOORS } from './leak-app-doors.js';
import { LEAK_CHANNEL, type LeakAttack } from './leak-attacks.js';
import { LOGIN_DOORS } from './leak-doors.js';
import { judge } from './leak-judgement.js';
import { type LeakProbe, LeakProbeStore } from './leak-probe-store.js';
import { LeakProbes, type MadeProbe } from './leak-probes.js';
import type { LeakFinding, LeakReport } from './leak-report.js';
import type { LeakDoor, LeakLogin, LeakStage } from './leak-stage.js';

export const LEAK_DOORS: readonly LeakDoor[] = [...LOGIN_DOORS, ...APP_DOORS];

const QUERY_TIMEOUT_MS = 15_000;
const STATEMENT_TIMEOUT_MS = 10_000;

/** Tries at every door of a host whether one tenant can meet another's rows. */
@Injectable()
export class LeakTest {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly probes: LeakProbes,
    private readonly store: LeakProbeStore,
    private readonly credentials: HomeCredentials,
    private readonly connections: HostConnections,
  ) {}

  /** Leaves the two tenants behind: remove them afterwards in any case. */
  async run(server: ManagedServer, probe: LeakProbe, signal: AbortSignal): Promise<LeakReport> {
    return tryAll(LEAK_DOORS, await this.prepare(server, probe), signal);
  }

  /** Makes the two tenants. The pooler must serve the probe's alias already. */
  async prepare(server: ManagedServer, probe: LeakProbe): Promise<LeakStage> {
    const { pooler } = server.config;
    if (!pooler) throw new Error('the server has no pooler');
    const { a, b } = await this.probes.make(server, probe);
    const { databaseName } = probe;
    const settings = { readOnly: false, timeoutMs: STATEMENT_TIMEOUT_MS };
    return {
      pair: { a: a.name, b: b.name },
      notes: { a: a.note, b: b.note },
      a: toLogin(a),
      b: toLogin(b),
      ...(await this.hostLogins(probe)),
      pooled: this.pooled(server, pooler, probe),
      direct: (login) =>
        statementConnection(server.config, this.config.caFile, {
          login: { ...login, database: databaseName },
          settings,
        }),
      notify: async () => {
        await this.connections.use(server, databaseName, (client) =>
          client.query('SELECT pg_catalog.pg_notify($1, $2)', [LEAK_CHANNEL, a.note]),
        );
      },
    };
  }

  private async hostLogins({
    databaseId,
    databaseName,
  }: LeakProbe): Promise<Pick<LeakStage, 'app' | 'readonly'>> {
    const { appCiphertext, readonlyCiphertext } = await this.store.secretsOf(databaseId);
    const { app, readonly } = hostRoles(databaseName);
    const login = (user: string, ciphertext: string | null): LeakLogin | null => {
      const password = this.credentials.find(user, ciphertext);
      return password === null ? null : { user, password };
    };
    return { app: login(app.value, appCiphertext), readonly: login(readonly.value, readonlyCiphertext) };
  }

  private pooled({ config }: ManagedServer, pooler: PoolerConfig, { alias }: LeakProbe) {
    return {
      ...entranceOptions(pooler, config.tls, this.config.caFile),
      database: alias,
      application_name: 'rowhouse-leak-test',
      query_timeout: QUERY_TIMEOUT_MS,
    };
  }
}

/** Throws the signal's reason between two attacks when that aborts. */
export async function tryAll(
  doors: readonly LeakDoor[],
  stage: LeakStage,
  signal: AbortSignal,
): Promise<LeakReport> {
  const findings: LeakFinding[] = [];
  const skipped: { door: string; reason: string }[] = [];
  const processes = new Set<number>();
  for (const door of doors) {
    const reason = reasonToSkip(door, stage);
    if (reason) skipped.push({ door: door.name, reason });
    for (const attack of reason ? [] : door.attacks) {
      signal.throwIfAborted();
      findings.push(await tryOne(door, attack, { stage, processes }));
    }
  }
  const passed = findings.every(({ outcome }) => outcome === 'safe' || outcome === 'blocked');
  return { passed, findings, skipped, connections: processes.size };
}

async function tryOne(
  door: LeakDoor,
  attack: LeakAttack,
  { stage, processes }: { stage: LeakStage; processes: Set<number> },
): Promise<LeakFinding> {
  const seen = await door.try(stage, attack);
  for (const process of [seen.processA, seen.processB]) if (process !== null) processes.add(process);
  return {
    door: door.name,
    attack: attack.name,
    ...judge(seen, stage.notes),
    sharedConnection: seen.processA !== null && seen.processA === seen.processB,
  };
}

function reasonToSkip({ login }: LeakDoor, { app, readonly }: LeakStage): string | null {
  const isKnown = login === 'own' || (login === 'app' ? app : readonly) !== null;
  if (isKnown) return null;
  return `Rowhouse does not know the password of the host's _${login} role: it was made without this ENCRYPTION_KEY. Rotate it.`;
}

function toLogin({ name, password }: MadeProbe): LeakLogin {
  return { user: name, password };
}
