import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Whether a process with this pid works; one that is dead and only waits for its parent does not. */
export function isRunning(pid: number): boolean {
  return processIdentity(pid) !== null;
}

/** Tells a process apart from a later one with the same pid (pids start low again in each container); null if none runs. */
export function processIdentity(pid: number): string | null {
  try {
    if (process.platform === 'linux') return linuxIdentity(pid);
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

/** The pids of processes that run one of `programs` with `directory` (a real path) as their working directory. */
export function findProcessesIn(directory: string, programs: readonly string[]): number[] {
  const found = process.platform === 'linux' ? linuxProcesses() : lsofProcesses();
  return found
    .filter((entry) => entry.directory === directory && programs.includes(entry.program))
    .map((entry) => entry.pid);
}

interface RunningProcess {
  pid: number;
  program: string;
  directory: string;
}

function linuxIdentity(pid: number): string | null {
  const { state, startTicks } = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (state === 'Z') return null;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${startTicks}`;
}

/** Fields 3 and 22 of /proc/<pid>/stat, counted after the command name, which may itself contain spaces and brackets. */
export function parseStat(stat: string): { state: string; startTicks: string } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}

function linuxProcesses(): RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const program = basename(readlinkSync(`/proc/${name}/exe`).replace(/ \(deleted\)$/, ''));
        return [{ pid: Number(name), program, directory: readlinkSync(`/proc/${name}/cwd`) }];
      } catch {
        return [];
      }
    });
}

function lsofProcesses(): RunningProcess[] {
  return parseLsof(outputOf('lsof', ['-w', '-d', 'cwd', '-Fpcn']));
}

/** Reads `lsof -Fpcn`: one field a line, led by its letter (`p` pid, `c` command, `n` name). */
export function parseLsof(output: string): RunningProcess[] {
  const found: RunningProcess[] = [];
  let pid = 0;
  let program = '';
  for (const line of output.split('\n')) {
    const value = line.slice(1);
    if (line.startsWith('p')) pid = Number(value);
    if (line.startsWith('c')) program = value;
    if (line.startsWith('n')) found.push({ pid, program, directory: value });
  }
  return found;
}

/** lsof exits with 1 when it could not look at some process, and still lists the others. */
function outputOf(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? '';
  }
}
