import { writeFile } from 'node:fs/promises';
import { generateOpenApi } from '../openapi.js';

export async function writeOpenApi(file?: string): Promise<void> {
  const text = await generateOpenApi();
  if (file === undefined) process.stdout.write(text);
  else await writeFile(file, text);
}
