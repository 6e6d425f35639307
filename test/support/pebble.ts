import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { findFreePort } from '../../src/infra/process/ports.js';
import { TestAuthority } from './certificates.js';
import { until } from './until.js';

export interface PebbleOptions {
  /** For its configuration and certificates. */
  readonly directory: string;
  /** Of the certificates that it issues. */
  readonly validDays: number;
}

/**
 * Let's Encrypt's ACME server for tests. It really asks for the HTTP-01 answer, on `httpPort`; every name resolves to
 * the loopback address.
 */
export interface Pebble {
  readonly directoryUrl: string;
  readonly httpPort: number;
  /** Who issued the certificate of the ACME server itself. */
  readonly serverCaFile: string;
  /** PEM of the root under which certificates are issued. */
  readonly root: string;
  stop(): Promise<void>;
}

export async function startPebble({ directory, validDays }: PebbleOptions): Promise<Pebble> {
  const [acme, management, http, dns] = await freePorts();
  const authority = await TestAuthority.create();
  const server = await authority.issue('localhost');
  const path = (name: string) => join(directory, name);
  writeFileSync(path('server-ca.crt'), authority.certificate);
  writeFileSync(path('server.crt'), server.certificate);
  writeFileSync(path('server.key'), server.key);
  const pebble = {
    listenAddress: `127.0.0.1:${acme}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: path('server.crt'),
    privateKey: path('server.key'),
    httpPort: http,
    tlsPort: http,
    certificateValidityPeriod: validDays * 86_400,
  };
  writeFileSync(path('pebble.json'), JSON.stringify({ pebble }));
  const stops = [
    startNames(dns),
    run('pebble', ['-config', path('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`]),
  ];
  const fetchRoot = () => get(management, '/roots/0', authority.certificate);
  return {
    directoryUrl: `https://localhost:${acme}/dir`,
    httpPort: http,
    serverCaFile: path('server-ca.crt'),
    root: await until('pebble answers', fetchRoot),
    stop: async () => {
      for (const stop of stops) await stop();
    },
  };
}

function startNames(port: number): () => Promise<void> {
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', ''];
  const names = ['-dns01', `127.0.0.1:${port}`, '-defaultIPv4', '127.0.0.1', '-defaultIPv6', ''];
  return run('pebble-challtestsrv', [...off, ...names, '-management', '127.0.0.1:0']);
}

function run(program: string, args: readonly string[]): () => Promise<void> {
  const child = spawn(program, args, {
    stdio: 'ignore',
    // Otherwise it waits before each validation, and refuses some nonces on purpose.
    env: { PATH: process.env['PATH'], PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' },
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return () => end(child, kill);
}

async function end(child: ChildProcess, kill: () => void): Promise<void> {
  process.off('exit', kill);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  kill();
  await gone;
}

async function freePorts(): Promise<[number, number, number, number]> {
  const acme = await findFreePort();
  const management = await findFreePort([acme]);
  const http = await findFreePort([acme, management]);
  return [acme, management, http, await findFreePort([acme, management, http])];
}

function get(port: number, path: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', servername: 'localhost', port, path, ca }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += String(chunk);
      });
      answer.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end();
  });
}
