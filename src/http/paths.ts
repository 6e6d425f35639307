const HEALTH = ['health', 'health/ready'];

/** Routes outside `/api`. */
export const UNPREFIXED = [...HEALTH, 'metrics'];

/** Monitors and load balancers ask these all the time. */
export const HEALTH_ROUTES: ReadonlySet<string> = new Set(HEALTH.map((path) => `/${path}`));

export const DOCS = 'docs';
