import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIRECTORY = fileURLToPath(new URL('../../../sql/control/', import.meta.url));

export interface MigrationFile {
  readonly file: string;
  readonly sql: string;
  /** SHA-256 of the text, hexadecimal. */
  readonly checksum: string;
}

export interface AppliedMigration {
  readonly file: string;
  readonly checksum: string;
  readonly appliedAt: Date;
}

export interface MigrationStatus {
  readonly file: string;
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown';
  readonly appliedAt: Date | null;
}

export async function readMigrations(directory = DIRECTORY): Promise<MigrationFile[]> {
  const files = (await readdir(directory)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(join(directory, file), 'utf8');
      return { file, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** Compares the files with the ledger. `unknown`: applied, but this release has no such file. */
export function compareMigrations(
  files: readonly MigrationFile[],
  applied: readonly AppliedMigration[],
): MigrationStatus[] {
  const ledger = new Map(applied.map((row) => [row.file, row]));
  const known = new Set(files.map((file) => file.file));
  const states = files.map(({ file, checksum }): MigrationStatus => {
    const row = ledger.get(file);
    if (!row) return { file, state: 'pending', appliedAt: null };
    return { file, state: row.checksum === checksum ? 'applied' : 'changed', appliedAt: row.appliedAt };
  });
  const unknown = applied
    .filter((row) => !known.has(row.file))
    .map((row): MigrationStatus => ({ file: row.file, state: 'unknown', appliedAt: row.appliedAt }));
  return [...states, ...unknown];
}
