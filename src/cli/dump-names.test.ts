import { expect, test } from 'vitest';
import { withoutSchema } from './dump-names.js';

test.each([
  ['CREATE TABLE public.a (b public.citext)', 'CREATE TABLE a (b citext)'],
  ['CREATE TABLE "public".a (b int) -- public.x', 'CREATE TABLE a (b int) -- public.x'],
  [
    `INSERT INTO public.a VALUES ('public.x', E'it\\'s public.x')`,
    `INSERT INTO a VALUES ('public.x', E'it\\'s public.x')`,
  ],
  [
    `ALTER b SET DEFAULT nextval('public.a_b_seq'::regclass)`,
    `ALTER b SET DEFAULT nextval('a_b_seq'::regclass)`,
  ],
  [
    'CREATE FUNCTION public.f() AS $_$ SELECT public.g($1) $_$',
    'CREATE FUNCTION f() AS $_$ SELECT g($1) $_$',
  ],
  ['SELECT a.public.b, publicity.x, "Public".y', 'SELECT a.public.b, publicity.x, "Public".y'],
])('%s', (sql, expected) => {
  expect(withoutSchema(sql, 'public')).toBe(expected);
});
