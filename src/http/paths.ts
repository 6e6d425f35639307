/** Monitors and load balancers ask these all the time. */
const HEALTH = ['health', 'health/live', 'health/ready'];

export const HEALTH_ROUTES: ReadonlySet<string> = new Set(HEALTH.map((path) => `/${path}`));

export const API = 'api';

/** Routes outside `/api`. */
export const UNPREFIXED = ['/', ...HEALTH, 'metrics'];

export const DOCS = 'docs';
export const DOCS_JSON = 'docs-json';
