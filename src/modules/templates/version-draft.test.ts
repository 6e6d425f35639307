import { describe, expect, test } from 'vitest';
import { checksumOf } from './version-checksum.js';
import { draftOf, MAX_VERSION_BYTES, type VersionRequest } from './version-draft.js';

const file = (name: string, sql = 'SELECT 1') => ({ name, sql });

describe('the kind of a file', () => {
  test.each([
    ['90_seed_staff.sql', 'seed'],
    ['SEEDS.sql', 'seed'],
    ['01_staff.sql', 'schema'],
  ])('of %s is %s', (name, kind) => {
    expect(draftOf({ files: [file(name)] }).files[0]?.kind).toBe(kind);
  });

  test('is what the request says', () => {
    const draft = draftOf({ files: [{ ...file('seed.sql'), kind: 'schema' }] });

    expect(draft.files[0]?.kind).toBe('schema');
  });
});

describe('a version runs without a transaction', () => {
  test.each<[string, VersionRequest, boolean]>([
    ['when the request says so', { sql: 'VACUUM a', transaction: false }, false],
    ['when a first line says so', { sql: '-- rowhouse: no transaction\r\nVACUUM a' }, false],
    ['when one file does', { files: [file('a'), file('b', '--ROWHOUSE:no transaction')] }, false],
    ['but not when another line says so', { sql: 'VACUUM a;\n-- rowhouse: no transaction' }, true],
    ['else in one', { sql: 'SELECT 1' }, true],
  ])('%s', (_, request, transactional) => {
    expect(draftOf(request).transactional).toBe(transactional);
  });
});

test.each<[string, VersionRequest, string]>([
  ['neither files nor sql', {}, 'files'],
  ['both', { files: [file('a')], sql: 'SELECT 1' }, 'sql'],
  ['two files of one name', { files: [file('a'), file('b'), file('a')] }, 'files[2].name'],
  [
    'too much',
    { files: [file('a', 'x'.repeat(MAX_VERSION_BYTES / 2)), file('b', 'é'.repeat(300_000))] },
    'files',
  ],
  [
    'a mark against the request',
    { sql: '-- rowhouse: no transaction\nVACUUM a', transaction: true },
    'transaction',
  ],
])('%s is refused by its field', (_, request, field) => {
  expect(() => draftOf(request)).toThrow(
    expect.objectContaining({ code: 'VALIDATION_FAILED', errors: [{ field, message: expect.any(String) }] }),
  );
});

test('the checksum tells every difference in what runs', () => {
  const versions = [
    draftOf({ files: [file('a'), file('b')] }),
    draftOf({ files: [file('b'), file('a')] }),
    draftOf({ files: [file('a', 'SELECT 1 '), file('b')] }),
    draftOf({ files: [{ ...file('a'), kind: 'seed' }, file('b')] }),
    draftOf({ files: [file('a'), file('b')], transaction: false }),
  ];

  expect(new Set(versions.map(checksumOf)).size).toBe(versions.length);
});

test('the checksum does not tell the description', () => {
  const [one, other] = ['x', 'y'].map((description) => checksumOf(draftOf({ sql: 'SELECT 1', description })));

  expect(one).toBe(other);
});
