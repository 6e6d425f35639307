import { afterAll, expect, test } from 'vitest';
import { SqlParser } from '../../../infra/sql-parser/sql-parser.js';
import { type ExtensionMember, mentionedExtensions } from './extension-mentions.js';

const parser = new SqlParser();
afterAll(() => parser.onApplicationShutdown());

const MEMBERS: readonly ExtensionMember[] = [
  { extension: 'pgcrypto', name: 'crypt', kind: 'function' },
  { extension: 'pg_trgm', name: 'similarity', kind: 'function' },
  { extension: 'citext', name: 'citext', kind: 'type' },
];

test.each([
  ['a seed', "INSERT INTO users VALUES (public.Crypt ('x', 'y'))", ['pgcrypto']],
  ['a quoted name', `SELECT "similarity"('a', 'b')`, ['pg_trgm']],
  [
    'a body',
    'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE a citext; BEGIN END $$',
    ['citext'],
  ],
  ['a column of that name', 'CREATE TABLE a (crypt int, similarity int, citext int)', []],
  ['a column that is read', 'INSERT INTO a SELECT crypt, similarity FROM b', []],
])('%s names what it needs', async (_, sql, extensions) => {
  const { statements } = await parser.parse(sql);

  expect(mentionedExtensions(statements, MEMBERS)).toEqual(extensions);
});
