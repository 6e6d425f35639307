import { readFile } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { RowhouseError } from '../../kernel/errors.js';

@Injectable()
export class CaCertificate {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** PEM. Read each time, so that a renewed file is served at once. */
  async pem(): Promise<string> {
    const { caFile } = this.config;
    if (caFile === null)
      throw new RowhouseError('NOT_FOUND', 'No CA certificate is configured (TLS_CA_FILE).');
    return readFile(caFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw new RowhouseError(
        'NOT_FOUND',
        "No CA certificate is needed: clients' systems trust the issuer. With libpq: sslrootcert=system (from 16 on) or the system's CA bundle.",
        { cause: error },
      );
    });
  }
}
