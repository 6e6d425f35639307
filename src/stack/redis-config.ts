export interface RedisSettings {
  readonly port: number;
  readonly listenAddresses: readonly string[];
  readonly password: string;
  readonly directory: string;
}

/** Redis holds rate limits and remembered keys only, so nothing is written to disk, and the oldest may be forgotten. */
export function renderRedisConf({ port, listenAddresses, password, directory }: RedisSettings): string {
  return [
    '# Written at each start.',
    `bind ${listenAddresses.join(' ')}`,
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${directory}"`,
    'daemonize no',
    'appendonly no',
    'save ""',
    'maxmemory 128mb',
    'maxmemory-policy volatile-lru',
    '',
  ].join('\n');
}
