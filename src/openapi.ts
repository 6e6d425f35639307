import { stringify } from 'yaml';
import { AppModule } from './app.module.js';
import { loadConfig } from './config/load-config.js';
import { createHttpApp } from './http/create-app.js';
import { buildDocument } from './http/openapi-document.js';

export { buildDocument } from './http/openapi-document.js';

/** The committed contract, `openapi.yaml`, as the controllers say it. Connects to nothing. */
export async function generateOpenApi(): Promise<string> {
  const config = loadConfig({ NODE_ENV: 'test' });
  const app = await createHttpApp(AppModule.register(config), config, { logger: false, preview: true });
  try {
    return stringify(buildDocument(app), { lineWidth: 120, aliasDuplicateObjects: false });
  } finally {
    await app.close();
  }
}
