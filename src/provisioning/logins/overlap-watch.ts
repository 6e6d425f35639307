import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { HomeKey } from './login-home.js';

/** Nobody was seen for so long: then an overlap that ends when unused is over. */
export const UNUSED_SECONDS = 60;

export interface WatchedOverlap {
  readonly username: string;
  readonly serverId: string;
}

const KEY = `CASE WHEN o.database_id IS NULL THEN 'tenant' ELSE 'database' END AS type,
  coalesce(o.database_id, o.tenant_id) AS id`;

/** Somebody looked a moment ago. While nobody does, an old login may be in use again. */
const IS_WATCHED = "coalesce(looked_at > now() - interval '5 seconds', false)";

/** One that another process is just ending is passed over, and so is a home that something else works on. */
const FIND_DUE = `
  SELECT ${KEY} FROM login_overlaps o
  WHERE (o.ends_at <= now()
         OR o.ends_when_unused AND o.unused_since <= now() - make_interval(secs => $1) AND ${IS_WATCHED})
    AND NOT EXISTS (SELECT FROM operations p WHERE p.subject_id = coalesce(o.database_id, o.tenant_id)
                    AND p.state IN ('pending', 'running'))
  LIMIT 1 FOR UPDATE OF o SKIP LOCKED`;

const FIND_WATCHED = `
  SELECT o.username, coalesce(d.server_id, t.server_id) AS "serverId"
  FROM login_overlaps o LEFT JOIN databases d ON d.id = o.database_id LEFT JOIN tenants t ON t.id = o.tenant_id
  WHERE o.ends_when_unused`;

const NOTE_USE = `
  UPDATE login_overlaps
  SET unused_since = CASE WHEN username = ANY ($2) THEN NULL
                          WHEN ${IS_WATCHED} THEN coalesce(unused_since, now()) ELSE now() END,
      looked_at = now()
  WHERE username = ANY ($1)`;

/** Only SQL: which overlaps are due, and which are still in use. */
@Injectable()
export class OverlapWatch {
  constructor(private readonly dataSource: DataSource) {}

  /** Holds it until the transaction ends, so that one process begins its end. */
  async findDue(tx: EntityManager): Promise<HomeKey | null> {
    const [due]: HomeKey[] = await tx.query(FIND_DUE, [UNUSED_SECONDS]);
    return due ?? null;
  }

  /** Those that end when they are not used any more. */
  findWatched(): Promise<WatchedOverlap[]> {
    return this.dataSource.query(FIND_WATCHED);
  }

  async noteUse(watched: readonly string[], used: readonly string[]): Promise<void> {
    await this.dataSource.query(NOTE_USE, [watched, used]);
  }
}
