import { readFile } from 'node:fs/promises';
import { PairError, type PairPart, type PairText } from './certificate-pair.js';

/** Where a pair stands. */
export interface PairFiles {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string | null;
}

/** Throws PairError when a file is missing or may not be read. */
export async function readPairFiles({ certificate, key, ca }: PairFiles): Promise<PairText> {
  return {
    certificate: await readPart('certificate', certificate),
    key: await readPart('key', key),
    ca: ca === null ? null : await readPart('ca', ca),
  };
}

/** Throws PairError. */
export async function readPart(part: PairPart, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new PairError(part, `cannot be read from ${path} (${code})`, { cause: error });
  }
}
