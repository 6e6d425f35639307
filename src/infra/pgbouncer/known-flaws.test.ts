import { expect, test } from 'vitest';
import { describeFlaws, knownFlaws } from './known-flaws.js';

const OURS = { ignoreStartupParameters: 'extra_float_digits, options,lock_timeout' };
const cves = (version: string, settings = OURS) => knownFlaws(version, settings).map(({ cve }) => cve);

test.each(['1.17.0', '1.18.0', '1.25.2', '1.26.0', '1.26'])(
  '%s lets auth_file users be others',
  (version) => {
    expect(cves(version)).toEqual(['CVE-2026-107350']);
  },
);

test.each(['1.16.1', '1.26.1', '1.27.0', '2.0'])('%s does not', (version) => {
  expect(cves(version)).toEqual([]);
});

test('the other one needs a list of ignored parameters without `options`, from 1.20 on', () => {
  const without = { ignoreStartupParameters: 'extra_float_digits' };

  expect(cves('1.20.0', without)).toContain('CVE-2026-107349');
  expect(cves('1.19.1', without)).not.toContain('CVE-2026-107349');
  expect(cves('1.26.1', without)).toEqual([]);
  expect(cves('1.20.0', { ignoreStartupParameters: '' })).not.toContain('CVE-2026-107349');
});

test('one line names version, risk and cure', () => {
  expect(describeFlaws('1.18.0', knownFlaws('1.18.0', OURS))).toBe(
    'PgBouncer 1.18.0 has CVE-2026-107350 (whoever knows the password of one user of auth_file can log in as any other; fixed in 1.26.1)',
  );
  expect(describeFlaws('1.26.1', [])).toBeNull();
});
