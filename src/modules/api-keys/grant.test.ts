import { describe, expect, test } from 'vitest';
import type { Principal } from '../../http/request-context.js';
import { RowhouseError } from '../../kernel/errors.js';
import { assertCovers, type Grant } from './grant.js';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`) as [
  string,
  string,
  string,
];

const owner: Principal = {
  type: 'api-key',
  id: 'k',
  name: 'k',
  scopes: ['api-keys:write', 'tenants:read'],
  tenantIds: [A, B],
  allowedCidrs: ['10.0.0.0/8', '2001:db8::/32'],
  expiresAt: '2035-01-01T00:00:00.000Z',
};

const within: Grant = {
  scopes: ['tenants:read'],
  tenantIds: [A],
  allowedCidrs: ['10.1.0.0/16'],
  expiresAt: new Date('2034-12-31T00:00:00Z'),
};

const fieldsOf = (principal: Principal, grant: Grant) => {
  try {
    assertCovers(principal, grant);
    return [];
  } catch (error) {
    return error instanceof RowhouseError ? [error.code, ...error.errors.map(({ field }) => field)] : [error];
  }
};

describe('a key', () => {
  test.each<[string, Partial<Grant>]>([
    ['with less than its maker', {}],
    ['with as much', { scopes: ['api-keys:write'], tenantIds: [B, A], expiresAt: new Date('2035-01-01') }],
    ['from the same networks', { allowedCidrs: ['2001:db8::/32', '10.0.0.0/8'] }],
  ])('%s can be made', (_, changes) => {
    expect(fieldsOf(owner, { ...within, ...changes })).toEqual([]);
  });

  test.each<[string, Partial<Grant>, string]>([
    ['of all tenants', { tenantIds: null }, 'tenantIds'],
    ['of another tenant', { tenantIds: [A, C] }, 'tenantIds'],
    ['from anywhere', { allowedCidrs: [] }, 'allowedCidrs'],
    ['from a wider network', { allowedCidrs: ['10.0.0.0/7'] }, 'allowedCidrs'],
    ['from another network', { allowedCidrs: ['10.1.0.0/16', '192.0.2.1/32'] }, 'allowedCidrs'],
    ['that never expires', { expiresAt: null }, 'expiresAt'],
    ['that expires later', { expiresAt: new Date('2035-01-01T00:00:00.001Z') }, 'expiresAt'],
  ])('%s exceeds its maker', (_, changes, field) => {
    expect(fieldsOf(owner, { ...within, ...changes })).toEqual(['EXCEEDS_OWN_RIGHTS', field]);
  });

  test('that exceeds its maker in everything is told everything', () => {
    const all: Grant = { scopes: ['*'], tenantIds: null, allowedCidrs: [], expiresAt: null };

    expect(fieldsOf(owner, all)).toEqual([
      'INSUFFICIENT_SCOPE',
      'scopes',
      'tenantIds',
      'allowedCidrs',
      'expiresAt',
    ]);
  });
});
