import { probePort } from '../infra/process/ports.js';
import { StartFailedError, type SupervisedProcess } from '../infra/process/supervised-process.js';
import { DataDirectory } from './data-directory.js';
import type { LocalStackOptions } from './local-stack-options.js';
import { findServiceAccount } from './service-account.js';
import { stackEnv } from './stack-env.js';
import { StackError } from './stack-error.js';
import { chooseFreePorts, choosePorts, type Ports } from './stack-ports.js';
import { type Preparation, prepareStack } from './stack-preparation.js';
import { type StackServers, startServers, stopServers } from './stack-servers.js';
import { findState, writeState } from './stack-state.js';
import { createKeeper } from './tls/create-keeper.js';

export interface LocalStack extends StackServers {
  /** All that `loadConfig` needs to use the stack. */
  readonly env: Readonly<Record<string, string>>;
  readonly postgres: SupervisedProcess;
  readonly pgbouncer: SupervisedProcess;
  readonly redis: SupervisedProcess | null;
  /** Stops PgBouncer, Redis and PostgreSQL, in this order, and lets go of the data directory. */
  stop(): Promise<void>;
}

const FREE_PORT_ATTEMPTS = 3;

/** Starts PostgreSQL, PgBouncer and Redis on one data directory. Throws StackError, with nothing left running. */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const account = findServiceAccount();
  const directory = await DataDirectory.create(options.dataDir, account);
  const lock = directory.acquireLock();
  try {
    const preparation = await prepareStack(options, directory, account);
    options.signal?.throwIfAborted();
    const { servers, ports } = await startOnPorts(options, preparation);
    writeState(directory.state, describe(options, preparation, ports));
    const { secrets } = preparation.base;
    const { publicHost, withRedis = true } = options;
    const env = stackEnv({ directory, ports, secrets, publicHost, withRedis });
    const keeper = createKeeper(options, preparation.tls, env);
    keeper?.start();
    return {
      ...servers,
      env,
      stop: async () => {
        await keeper?.stop();
        await stopServers(servers);
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error instanceof StartFailedError ? toStackError(error) : error;
  }
}

interface StartedServers {
  readonly servers: StackServers;
  readonly ports: Ports;
}

async function startOnPorts(
  options: LocalStackOptions,
  { base, programs }: Preparation,
): Promise<StartedServers> {
  for (let attempt = 1; ; attempt += 1) {
    const ports = await pickPorts(options, base.directory);
    try {
      return { ports, servers: await startServers({ ...base, ports }, programs, options.signal) };
    } catch (error) {
      // Somebody else may have taken a port since it was found free.
      const canRetry =
        options.ports === 'free' && error instanceof StartFailedError && !options.signal?.aborted;
      if (!canRetry || attempt === FREE_PORT_ATTEMPTS) throw error;
    }
  }
}

async function pickPorts(options: LocalStackOptions, directory: DataDirectory): Promise<Ports> {
  if (options.ports === 'free') return { ...(await chooseFreePorts()), ...options.chosenPorts };
  const { ports, notes } = await choosePorts({
    chosen: options.chosenPorts ?? {},
    remembered: findState(directory.state)?.ports ?? {},
    probe: probePort,
  });
  for (const note of notes) options.report(note);
  return ports;
}

function describe(
  { publicHost, withRedis = true }: LocalStackOptions,
  { programs }: Preparation,
  ports: Ports,
) {
  return {
    ports,
    publicHost,
    withRedis,
    postgresMajor: programs.postgres.major,
    poolerVersion: programs.pgbouncer.version,
  };
}

function toStackError(error: StartFailedError): StackError {
  return new StackError(`${error.message} (log: ${error.logPath})`, error.logTail, { cause: error });
}
