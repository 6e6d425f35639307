import { describe, expect, test } from 'vitest';
import { Contract } from './contract.js';

const contract = Contract.parse(`
openapi: 3.0.0
paths:
  /api/things:
    get:
      operationId: listThings
      security: [{ api-key: [] }]
      x-required-scope: things:read
      responses:
        '200':
          content:
            application/json:
              schema:
                type: object
                required: [data]
                properties:
                  data: { type: array, items: { $ref: '#/components/schemas/Thing' } }
  /api/things/{id}:
    get:
      operationId: getThing
      responses:
        '200':
          content:
            application/json:
              schema:
                allOf:
                  - $ref: '#/components/schemas/Base'
                  - { type: object, properties: { data: { $ref: '#/components/schemas/Thing' } } }
    delete:
      operationId: deleteThing
      responses:
        '204': { description: gone }
  /api/things/newest:
    get:
      operationId: getNewest
      responses:
        '200': { content: { text/plain: {} } }
components:
  schemas:
    Base: { type: object, properties: { success: { type: boolean } } }
    Thing:
      type: object
      required: [name]
      properties:
        name: { type: string }
        note: { type: string, nullable: true }
        free: { type: object }
`);

const json = (status: number, body: unknown) => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body,
});
const judge = (method: string, path: string, answer: ReturnType<typeof json>) => () =>
  contract.assertAllows(method, path, answer);

describe('an answer that the contract allows', () => {
  test('passes, query or not', () => {
    const answer = json(200, { data: [{ name: 'a', note: null, free: { any: 1 } }] });

    expect(judge('GET', '/api/things?limit=1', answer)).not.toThrow();
  });

  test('passes when its schema is composed of parts', () => {
    expect(judge('GET', '/api/things/7', json(200, { success: true, data: { name: 'a' } }))).not.toThrow();
  });

  test('passes without a body where none is promised', () => {
    expect(() =>
      contract.assertAllows('DELETE', '/api/things/7', { status: 204, contentType: null, body: null }),
    ).not.toThrow();
  });
});

describe('an answer that the contract does not tell', () => {
  test.each([
    ['an unknown route', 'GET', '/api/nothing', json(200, {}), 'has no such route'],
    ['an unknown method', 'POST', '/api/things', json(200, {}), 'has no such route'],
    ['an unknown status', 'GET', '/api/things', json(418, {}), 'answered 418'],
    ['a missing property', 'GET', '/api/things', json(200, {}), "must have required property 'data'"],
    ['a wrong type deep inside', 'GET', '/api/things', json(200, { data: [{ name: 1 }] }), 'must be string'],
    ['an undocumented property', 'GET', '/api/things', json(200, { data: [], extra: 1 }), 'unevaluated'],
    [
      'one in a referred schema',
      'GET',
      '/api/things',
      json(200, { data: [{ name: 'a', x: 1 }] }),
      'unevaluated',
    ],
    [
      'one beside a composition',
      'GET',
      '/api/things/7',
      json(200, { success: true, more: 1 }),
      'unevaluated',
    ],
    ['another content type', 'GET', '/api/things/newest', json(200, {}), 'content type is application/json'],
    ['a body where none is promised', 'DELETE', '/api/things/7', json(204, {}), 'none is promised'],
  ])('%s throws', (_, method, path, answer, message) => {
    expect(judge(method, path, answer)).toThrow(message);
  });
});

test('tells the routes and their scopes', () => {
  expect(contract.routes.map((route) => `${route.method} ${route.path} ${route.scope}`)).toEqual([
    'GET /api/things things:read',
    'GET /api/things/{id} null',
    'DELETE /api/things/{id} null',
    'GET /api/things/newest null',
  ]);
});
