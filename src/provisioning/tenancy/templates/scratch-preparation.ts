import { Injectable } from '@nestjs/common';
import {
  createUntrustedExtension,
  FIND_EXTENSIONS,
  FIND_INSTALLED_EXTENSIONS,
} from '../../../infra/postgres/extension-sql.js';
import { SQLSTATE, sqlState } from '../../../infra/postgres/sqlstate.js';
import { quoteIdentifier } from '../../../kernel/identifiers.js';
import { DatabaseProvisioner } from '../../database-provisioner.js';
import { ALLOWED_EXTENSIONS } from '../../extensions.js';
import type { ManagedServer } from '../../managed-server.js';
import { markOf, ownershipMismatch, SCRATCH_DATABASE } from '../../marks.js';
import { pollUntil } from '../../poll.js';
import { HostProvisioner } from '../hosts/host-provisioner.js';
import { CREATE_SCRATCH_DATABASE, FIND_SCRATCH_DATABASE, LOCK_SCRATCH_DATABASE } from './scratch-sql.js';

const COPY_PATIENCE_MS = 60_000;

interface Found extends Record<string, unknown> {
  readonly allowsConnections: boolean;
  readonly mark: string | null;
}

interface AvailableExtension extends Record<string, unknown> {
  readonly name: string;
  readonly isTrusted: boolean;
}

/** Makes the scratch database of a server: a tenant host like any other, with every extension that hosts may have. */
@Injectable()
export class ScratchPreparation {
  constructor(
    private readonly databases: DatabaseProvisioner,
    private readonly hosts: HostProvisioner,
  ) {}

  /** Looks first and acts second; processes that do so at once wait for each other. */
  async prepare(server: ManagedServer): Promise<void> {
    await server.postgres.transaction(async (lock) => {
      await lock.query(LOCK_SCRATCH_DATABASE);
      await this.ensureDatabase(server);
      await installExtensions(server);
      await this.hosts.ensure(server, { databaseName: SCRATCH_DATABASE, ownerRole: null });
    });
  }

  private async ensureDatabase(server: ManagedServer): Promise<void> {
    const found = await server.postgres.find<Found>(FIND_SCRATCH_DATABASE);
    if (found?.allowsConnections) return assertOwn(server, found);
    if (!found) await copyBlank(server);
    await this.databases.ensurePrivileges(server, { databaseName: SCRATCH_DATABASE });
  }
}

/** Another installation on the same server would lock us out of its roles, and we it. */
function assertOwn(server: ManagedServer, { mark }: Found): void {
  if (mark !== markOf(server)) throw ownershipMismatch('database', SCRATCH_DATABASE);
}

/** The blank database is absent for a moment while it is replaced, and busy while a session in it ends. */
async function copyBlank(server: ManagedServer): Promise<void> {
  const copy = async () => {
    try {
      await server.postgres.execute(CREATE_SCRATCH_DATABASE);
      return true;
    } catch (error) {
      const state = sqlState(error);
      if (state === SQLSTATE.objectInUse || state === SQLSTATE.invalidCatalogName) return false;
      throw error;
    }
  };
  await pollUntil(copy, { timeoutMs: COPY_PATIENCE_MS, what: 'the blank database to be free to copy' });
}

/** As superuser, since only that can create things here, so that a script meets nobody's but PostgreSQL's. */
async function installExtensions(server: ManagedServer): Promise<void> {
  const available = await server.postgres.query<AvailableExtension>(FIND_EXTENSIONS, [ALLOWED_EXTENSIONS]);
  await server.postgres.inDatabase(SCRATCH_DATABASE, async (client) => {
    const { rows } = await client.query<{ name: string }>(FIND_INSTALLED_EXTENSIONS);
    const installed = new Set(rows.map(({ name }) => name));
    for (const { name, isTrusted } of available.filter((extension) => !installed.has(extension.name))) {
      const trusted = `CREATE EXTENSION ${quoteIdentifier(name)} WITH SCHEMA public`;
      await client.query(isTrusted ? trusted : createUntrustedExtension(name));
    }
  });
}
