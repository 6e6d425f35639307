import type { DataSource } from 'typeorm';
import type { Access } from '../logins/login-store.js';

/** Somebody who logs in to a home besides its own role. */
export interface ExpectedLogin {
  readonly id: string;
  readonly homeId: string;
  readonly username: string;
  readonly roleOid: number | null;
  readonly access: Access;
  readonly status: string;
  readonly maxConnections: number;
  readonly expiresAt: Date | null;
  /** Null while it may not log in. */
  readonly verifier: string | null;
}

/** The second login of a rotation has the credentials of its home, or of the overlap that it is the rest of. */
const SELECT = `
  SELECT r.id, h.id AS "homeId", r.username, r.role_oid AS "roleOid", r.access, r.status, r.expires_at AS "expiresAt",
         CASE r.purpose WHEN 'rotation' THEN h.max_connections ELSE r.max_connections END AS "maxConnections",
         CASE WHEN h.status <> 'active' OR r.status <> 'active' THEN NULL
              WHEN r.purpose = 'role' THEN r.scram_verifier
              WHEN h.login = 'second' THEN h.scram_verifier
              ELSE o.scram_verifier END AS verifier
  FROM login_roles r
  JOIN (SELECT id, server_id, status, login, scram_verifier, max_connections FROM databases
        UNION ALL SELECT id, server_id, status, login, scram_verifier, max_connections FROM tenants) h
    ON h.id = coalesce(r.database_id, r.tenant_id)
  LEFT JOIN login_overlaps o ON o.username = r.username
  WHERE h.server_id = $1
  ORDER BY r.username`;

export function readExpectedLogins(dataSource: DataSource, serverId: string): Promise<ExpectedLogin[]> {
  return dataSource.query(SELECT, [serverId]);
}
