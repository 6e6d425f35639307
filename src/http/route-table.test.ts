import { expect, test } from 'vitest';
import { RouteTable } from './route-table.js';

test('knows the methods of a path, whatever its parameters and query', () => {
  const table = new RouteTable();
  table.add({ url: '/api/things/:id', method: 'GET' });
  table.add({ url: '/api/things/:id', method: ['PATCH', 'DELETE'] });
  table.add({ url: '/docs/*', method: 'GET' });

  expect(table.methodsOf('/api/things/7?full=true')).toEqual(['DELETE', 'GET', 'PATCH']);
  expect(table.methodsOf('/docs/a/b.css')).toEqual(['GET']);
  expect(table.methodsOf('/api/things')).toEqual([]);
  expect(table.methodsOf('/api/things/7/parts')).toEqual([]);
});
