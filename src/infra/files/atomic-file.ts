import { randomBytes } from 'node:crypto';
import { chown, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const SECRET_MODE = 0o600;

/** The text of a file, or null when there is none. */
export async function findText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Replaces a file so that a reader sees the old text or the new one, also after a crash. It keeps owner and mode; a
 * new file belongs to the owner of its directory, who is the one that has to read it.
 */
export async function writeAtomically(path: string, text: string | Buffer): Promise<void> {
  const { uid, gid, mode } = await attributesFor(path);
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await writeSynced(temporary, text, mode);
    if (process.getuid?.() === 0) await chown(temporary, uid, gid);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function attributesFor(path: string): Promise<{ uid: number; gid: number; mode: number }> {
  try {
    const { uid, gid, mode } = await stat(path);
    return { uid, gid, mode: mode & 0o777 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const { uid, gid } = await stat(dirname(path));
    return { uid, gid, mode: SECRET_MODE };
  }
}

async function writeSynced(path: string, text: string | Buffer, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}
