/** How commands reach a running API. */
export interface ClientConfig {
  /** Without a slash at its end. */
  readonly url: string;
  /** Null when the environment has none. */
  readonly key: string | null;
}

const DEFAULT_URL = 'http://127.0.0.1:3000';

/** `ROWHOUSE_URL`, and `ROWHOUSE_KEY` or else `API_KEY`. */
export function loadClientConfig(env: NodeJS.ProcessEnv = process.env): ClientConfig {
  return {
    url: (env.ROWHOUSE_URL || DEFAULT_URL).replace(/\/+$/, ''),
    key: env.ROWHOUSE_KEY || env.API_KEY || null,
  };
}
