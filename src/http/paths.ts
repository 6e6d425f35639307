/** Routes outside `/api`. */
export const UNPREFIXED = ['health', 'health/ready'];

/** Monitors and load balancers ask these all the time. */
export const HEALTH_ROUTES: ReadonlySet<string> = new Set(UNPREFIXED.map((path) => `/${path}`));

export const DOCS = 'docs';
