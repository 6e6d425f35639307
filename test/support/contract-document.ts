import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const FILE = new URL('../../openapi.yaml', import.meta.url);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/** openapi.yaml, whose YAML takes a second to parse; as JSON, which is kept for the next process, some milliseconds. */
export function loadContractDocument(): unknown {
  const yaml = readFileSync(FILE, 'utf8');
  const kept = `${CACHE}openapi.json`;
  const hash = createHash('sha256').update(yaml).digest('hex');
  const known = readKept(kept);
  if (known?.hash === hash) return known.document;
  const document: unknown = parse(yaml);
  mkdirSync(CACHE, { recursive: true });
  // Others may read it at the same time.
  writeFileSync(`${kept}.${process.pid}`, JSON.stringify({ hash, document }));
  renameSync(`${kept}.${process.pid}`, kept);
  return document;
}

function readKept(file: string): { hash: string; document: unknown } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { hash: string; document: unknown };
  } catch {
    return null;
  }
}
