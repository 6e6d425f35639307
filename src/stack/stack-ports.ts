import { DEFAULT_PORTS, type PortVariable } from '../config/stack-config.js';
import { findFreePort, type PortState } from '../infra/process/ports.js';
import { StackError } from './stack-error.js';

export type Ports = Readonly<Record<PortVariable, number>>;

export interface PortRequest {
  /** Named by the environment: these, or an error. */
  readonly chosen: Partial<Ports>;
  /** From the last start. */
  readonly remembered: Partial<Ports>;
  readonly probe: (port: number) => Promise<PortState>;
}

export interface PortChoice {
  readonly ports: Ports;
  /** What a person should know, one line each. */
  readonly notes: readonly string[];
}

const MAX_PORT = 65_535;
const PORT_USERS: Record<PortVariable, string> = {
  PORT: 'the API',
  DB_PORT: 'PostgreSQL',
  DB_PGBOUNCER_PORT: 'PgBouncer',
  REDIS_PORT: 'Redis',
};
const VARIABLES = Object.keys(DEFAULT_PORTS) as PortVariable[];

/** For each port the chosen one, else the remembered one, else the default one, else the next free one above it. */
export async function choosePorts(request: PortRequest): Promise<PortChoice> {
  assertDistinct(request.chosen);
  const reserved = new Set(Object.values(request.chosen));
  const notes: string[] = [];
  const ports: Partial<Record<PortVariable, number>> = {};
  for (const variable of VARIABLES) {
    const chosen = request.chosen[variable];
    const wanted = chosen ?? (request.remembered[variable] || DEFAULT_PORTS[variable]);
    const port =
      chosen === undefined
        ? await nextFree(wanted, reserved, request.probe)
        : await assertFree(variable, chosen, request);
    if (port !== wanted) notes.push(`Port ${wanted} is taken: ${PORT_USERS[variable]} takes ${port}`);
    reserved.add(port);
    ports[variable] = port;
  }
  return { ports: ports as Ports, notes };
}

/** Any free ports, for tests. The API's own stays 0: the kernel chooses it. */
export async function chooseFreePorts(): Promise<Ports> {
  const postgres = await findFreePort();
  const pgbouncer = await findFreePort([postgres]);
  const redis = await findFreePort([postgres, pgbouncer]);
  return { PORT: 0, DB_PORT: postgres, DB_PGBOUNCER_PORT: pgbouncer, REDIS_PORT: redis };
}

async function assertFree(variable: PortVariable, port: number, { probe }: PortRequest): Promise<number> {
  const state = port === 0 ? 'free' : await probe(port);
  if (state === 'free') return port;
  const reason = state === 'taken' ? 'is taken' : 'is not for this user';
  throw new StackError(`${variable}: port ${port} ${reason}: free it, or choose another ${variable}`);
}

async function nextFree(
  wanted: number,
  reserved: ReadonlySet<number>,
  probe: PortRequest['probe'],
): Promise<number> {
  for (let port = wanted; port <= MAX_PORT; port += 1) {
    if (!reserved.has(port) && (await probe(port)) === 'free') return port;
  }
  throw new StackError(`There is no free port from ${wanted} on`);
}

function assertDistinct(chosen: Partial<Ports>): void {
  const named = VARIABLES.filter((variable) => chosen[variable]);
  for (const [index, variable] of named.entries()) {
    const twin = named.slice(index + 1).find((other) => chosen[other] === chosen[variable]);
    if (twin) throw new StackError(`${variable} and ${twin} are both ${chosen[variable]}: choose two ports`);
  }
}
