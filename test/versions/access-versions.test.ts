import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { loginOf, startAccess } from '../integration/access-fixture.js';
import { createTestDirectory } from '../support/stack.js';
import { installPostgres, VERSIONS } from './postgres-binaries.js';

const directory = createTestDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

for (const version of VERSIONS) {
  const postgresBinDir = await installPostgres(version, directory);
  const fixture = await startAccess({ PG_HBA_FILE: '' }, { postgresBinDir });

  test(`writes rules through SQL, and tells of a line that is not taken, on PostgreSQL ${version}`, async () => {
    expect(fixture.base.config.server.hbaFile).toBeNull();
    const home = await fixture.guardedHome('127.0.0.2');
    const admitted = { direct: ['127.0.0.2'], pooled: ['127.0.0.2'] };
    expect(await fixture.admitted(loginOf(home), ['127.0.0.1', '127.0.0.2', '::1'])).toEqual(admitted);

    await fixture.base.admin(
      `COPY (SELECT 'host all all 999.0.0.1/32 trust') TO PROGRAM 'cat >> ${fixture.base.stack.dataDir}/postgres/pg_hba.conf'`,
    );
    await fixture.addRule({ databaseId: home.id }, '127.0.0.3');

    await expect(fixture.sync()).rejects.toMatchObject({
      code: 'OPERATION_FAILED',
      detail: expect.stringMatching(/line \d+ of pg_hba\.conf \(without .*\): .*999\.0\.0\.1/),
    });
    expect(await fixture.admitted(loginOf(home), ['127.0.0.2', '127.0.0.3'])).toEqual(admitted);
  });
}
