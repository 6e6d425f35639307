import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const AUTOCANNON = fileURLToPath(new URL('../../node_modules/autocannon/autocannon.js', import.meta.url));
const CONNECTIONS = 32;

interface LoadResult {
  requests: { average: number };
  non2xx: number;
  errors: number;
}

/** Requests a second that the URL answers, asked by a process of its own. Throws on any other answer than 2xx. */
export async function measureLoad(
  url: string,
  { seconds, headers = {} }: { seconds: number; headers?: Record<string, string> },
): Promise<number> {
  const headerArgs = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}=${value}`]);
  const args = [AUTOCANNON, '--json', '-c', String(CONNECTIONS), '-d', String(seconds), ...headerArgs, url];
  const { stdout } = await run(process.execPath, args);
  const { requests, non2xx, errors } = JSON.parse(stdout) as LoadResult;
  if (non2xx + errors > 0) throw new Error(`${url}: ${non2xx} answers were not 2xx, ${errors} failed`);
  return requests.average;
}
