import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { Cidr, CidrError } from '../../kernel/cidr.js';
import { Clock } from '../../kernel/clock.js';
import { invalidField } from '../../kernel/errors.js';
import { ADDRESS_BITS } from '../../kernel/ip-address.js';
import { OperationsService } from '../../operations/operations.service.js';
import type { AccessPlan, AccessPort, AdmittingRule } from '../../provisioning/access/access-plan.js';
import { evaluateAccess } from '../../provisioning/access/evaluate-access.js';
import { type HomeAccess, homeAccess } from '../../provisioning/access/home-access.js';
import { readAccessPlan } from '../../provisioning/access/plan-reader.js';
import { LoginHomes } from '../../provisioning/logins/login-home.js';
import { loginName, secondLogin } from '../../provisioning/logins/login-names.js';
import { LoginStore } from '../../provisioning/logins/login-store.js';
import { ServerRegistry } from '../../provisioning/server-registry.js';
import type { CheckAddressDto } from './dto/requests.dto.js';
import type { AddressCheckDto, CheckReason, MatchingRuleDto, PortCheckDto } from './dto/whitelist.dto.js';
import type { HomeRef, HomeStatus, WhitelistHome } from './whitelist-home.js';
import { WhitelistHomes } from './whitelist-homes.js';
import { WhitelistsRepository } from './whitelists.repository.js';

interface Port {
  readonly kind: AccessPort;
  readonly port: number;
}

/** They may come without TLS. */
const LOOPBACK = ['127.0.0.1', '::1'];

/** The login that somebody comes with. */
interface Login {
  readonly username: string;
  readonly isActive: boolean;
  /** Whether only networks of its own let it in, instead of the home's list. */
  readonly hasNetworks: boolean;
}

/** Says whether an address would get in with a login of a home, after the plan that both ports' rules come from. */
@Injectable()
export class AddressCheckService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly homes: WhitelistHomes,
    private readonly repository: WhitelistsRepository,
    private readonly loginHomes: LoginHomes,
    private readonly logins: LoginStore,
    private readonly servers: ServerRegistry,
    private readonly operations: OperationsService,
    private readonly clock: Clock,
  ) {}

  async check(ref: HomeRef, { ipAddress, port, username }: CheckAddressDto): Promise<AddressCheckDto> {
    const address = toAddress(ipAddress);
    const home = await this.homes.get(ref);
    const asked = this.portsOf(home, port);
    const login = await this.findLogin(home, username);
    const plan = await this.readPlan(home);
    const isInForce = await this.isInForce(home);
    const ports = await Promise.all(
      asked.map(async (entry) => ({
        ...entry,
        ...(await this.judge(home, plan, { kind: entry.kind, address, login })),
        tls_required: !LOOPBACK.includes(address),
        in_force: isInForce,
      })),
    );
    return { ip_address: address, username: login.username, ports };
  }

  private portsOf({ serverId }: WhitelistHome, wanted: number | undefined): Port[] {
    const { port, pooler } = this.servers.configOf(serverId);
    const direct: Port = { kind: 'direct', port };
    const ports = pooler ? [direct, { kind: 'pooled', port: pooler.port } as const] : [direct];
    const asked = wanted === undefined ? ports : ports.filter((entry) => entry.port === wanted);
    if (asked.length > 0) return asked;
    const known = ports.map((entry) => `${entry.port} (${entry.kind})`).join(' or ');
    throw invalidField('port', `must be ${known}`);
  }

  /** The current one of the home unless another one is asked for. */
  private async findLogin({ kind, id, username }: WhitelistHome, asked: string | undefined): Promise<Login> {
    const key = { type: kind, id };
    const current = loginName(await this.loginHomes.get(key));
    if (asked === undefined || asked === current) return ownLogin(current, true);
    if (asked === username || asked === secondLogin(username))
      return ownLogin(asked, (await this.logins.findOverlap(key))?.username === asked);
    const role = (await this.logins.list(key)).find((login) => login.username === asked);
    if (!role) throw invalidField('username', `must be a login of the ${kind}: its own, or one of its roles`);
    const isActive =
      role.status === 'active' && (role.expiresAt === null || role.expiresAt > this.clock.now());
    return { username: asked, isActive, hasNetworks: role.networks !== null };
  }

  private readPlan({ serverId }: WhitelistHome): Promise<AccessPlan> {
    const server = this.servers.get(serverId);
    return this.dataSource.transaction((tx) => readAccessPlan(tx, server, this.config.defaultAccess));
  }

  private async judge(
    home: WhitelistHome,
    plan: AccessPlan,
    { kind, address, login }: { kind: AccessPort; address: string; login: Login },
  ): Promise<Pick<PortCheckDto, 'allowed' | 'rule' | 'reason'>> {
    const status = statusOf(home);
    if (status !== 'active') {
      const reason = status === 'suspended' ? 'suspended' : 'not_active';
      return { allowed: false, rule: null, reason };
    }
    if (!login.isActive) return { allowed: false, rule: null, reason: 'not_active' };
    const database = kind === 'direct' ? home.databaseName : home.alias;
    const attempt = { port: kind, database, role: login.username, address };
    const { allowed, rule } = evaluateAccess(plan, attempt);
    const access = login.hasNetworks ? 'restricted' : homeAccess(home, this.config.defaultAccess);
    const matching = rule && (await this.describe(rule));
    return { allowed, rule: matching, reason: reasonOf({ allowed, access, hasRule: rule !== null }) };
  }

  private async describe({ id, network }: AdmittingRule): Promise<MatchingRuleDto | null> {
    if (id === null) return { id, ip_address: String(network), description: 'Of the role itself' };
    const rule = await this.repository.find(id);
    return rule && { id, ip_address: rule.network, description: rule.description };
  }

  /** Whether the ports know all that is stored of the home, and of the host whose terms it may have. */
  private async isInForce(home: WhitelistHome): Promise<boolean> {
    const places = home.host ? [home, home.host] : [home];
    for (const place of places) {
      if ((await this.repository.hasPending(place)) || (await this.isBusy(place))) return false;
    }
    return true;
  }

  /** A change of `externalAccess` is an operation of the home itself. */
  private async isBusy({ id }: WhitelistHome): Promise<boolean> {
    const { items } = await this.operations.list({ subjectId: id, limit: 1 });
    const [newest] = items;
    return newest?.input['access'] === true && (newest.state === 'pending' || newest.state === 'running');
  }
}

function ownLogin(username: string, isActive: boolean): Login {
  return { username, isActive, hasNetworks: false };
}

/** One that is suspended with its host is suspended. */
function statusOf({ status, host }: WhitelistHome): HomeStatus {
  return status === 'active' && host ? host.status : status;
}

function reasonOf(judged: { allowed: boolean; access: HomeAccess; hasRule: boolean }): CheckReason {
  const { allowed, access, hasRule } = judged;
  if (allowed) return hasRule ? 'rule' : access === 'open' ? 'open' : 'peer';
  return access === 'restricted' ? 'no_rule' : 'closed';
}

function toAddress(text: string): string {
  const network = toNetwork(text);
  if (network.prefix !== ADDRESS_BITS[network.family]) {
    throw invalidField('ipAddress', 'must be one IP address, not a network');
  }
  return String(network).replace(/\/\d+$/, '');
}

function toNetwork(text: string): Cidr {
  try {
    return Cidr.parse(text);
  } catch (error) {
    if (error instanceof CidrError) throw invalidField('ipAddress', error.message);
    throw error;
  }
}
