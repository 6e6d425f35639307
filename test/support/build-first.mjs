import { buildWhenStale } from '../../scripts/setup/build.mjs';

/** Tests run what was built, so that must be of these sources. */
export const setup = buildWhenStale;
