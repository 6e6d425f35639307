import { readFile, realpath } from 'node:fs/promises';
import { writeAtomically } from '../../files/atomic-file.js';
import { attemptOnFile } from '../../files/file-attempt.js';
import type { HbaFile } from './hba-file.js';

/** pg_hba.conf on this machine. */
export class LocalHbaFile implements HbaFile {
  constructor(private readonly path: string) {}

  read(): Promise<string> {
    return attemptOnFile(this.path, 'read', async () => (await readFile(this.path)).toString('latin1'));
  }

  /** A link stays a link. */
  write(text: string): Promise<void> {
    return attemptOnFile(this.path, 'written', async () =>
      writeAtomically(await realpath(this.path), Buffer.from(text, 'latin1')),
    );
  }
}
