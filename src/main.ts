import { reportFailure } from './cli/failure.js';
import { serve } from './cli/serve.js';

/** What a container runs: the API, or a worker, against the servers that the environment names. */
await serve().catch(reportFailure);
