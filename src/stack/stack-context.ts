import type { CertificateFiles } from './certificates.js';
import type { DataDirectory } from './data-directory.js';
import type { StackSecrets } from './secrets.js';
import type { ServiceAccount } from './service-account.js';
import type { Ports } from './stack-ports.js';

/** What every server of the stack is made from. */
export interface StackContext {
  readonly directory: DataDirectory;
  readonly account: ServiceAccount | null;
  readonly secrets: StackSecrets;
  readonly tls: CertificateFiles;
  readonly ports: Ports;
  /** For the servers that clients reach: loopback, or `*`. */
  readonly listenAddresses: readonly string[];
  readonly loopbackAddresses: readonly string[];
  readonly durable: boolean;
  readonly report: (line: string) => void;
}

/** The names on the server that the local stack chooses. */
export const STACK_NAMES = {
  superuser: 'postgres',
  controlUser: 'rowhouse',
  controlDatabase: 'postgres_control',
  poolerAuthUser: 'rowhouse_pooler_auth',
  poolerAdminUser: 'rowhouse_pooler_admin',
} as const;
