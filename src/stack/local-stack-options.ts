import type { StackConfig } from '../config/stack-config.js';
import type { TlsSource } from '../config/tls-config.js';
import type { RenewalTimes } from './tls/acme-renewal.js';

export interface LocalStackOptions {
  readonly dataDir: string;
  /** `free`: any free ports, for tests. */
  readonly ports?: 'default' | 'free';
  /** Ports that must be these; the others follow from `ports`. */
  readonly chosenPorts?: StackConfig['chosenPorts'];
  readonly publicHost: string;
  readonly report: (line: string) => void;
  /** False gives up crash safety for speed, for tests. */
  readonly durable?: boolean;
  readonly postgresBinDir?: string | null;
  readonly withRedis?: boolean;
  /** The local CA when nothing else is said. */
  readonly tls?: TlsSource;
  /** For tests, which cannot wait half a day. */
  readonly renewalTimes?: RenewalTimes;
  /** Aborted: what is being started is stopped again, and `startLocalStack` throws. */
  readonly signal?: AbortSignal;
}
