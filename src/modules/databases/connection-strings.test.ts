import { describe, expect, test } from 'vitest';
import { CONNECTION_FORMATS, connectionStrings, formatConnection } from './connection-strings.js';

const target = {
  databaseName: 'tenant_0a1b2c3d',
  username: 'user_0a1b2c3d',
  password: 'secret',
  direct: { host: 'db.example.com', port: 5432 },
  pooled: { host: 'db.example.com', port: 6432 },
  schema: null,
  canHaveShadow: true,
};

describe('connection strings', () => {
  test('name both ports, and a shadow database of its own', () => {
    expect(connectionStrings(target)).toEqual({
      connection_string:
        'postgresql://user_0a1b2c3d:secret@db.example.com:5432/tenant_0a1b2c3d?sslmode=require',
      connection_string_pooled:
        'postgresql://user_0a1b2c3d:secret@db.example.com:6432/tenant_0a1b2c3d?sslmode=require&pgbouncer=true',
      shadow_database_url:
        'postgresql://user_0a1b2c3d:secret@db.example.com:5432/tenant_0a1b2c3d_shadow?sslmode=require&schema=public',
      shadow_database_url_pooled:
        'postgresql://user_0a1b2c3d:secret@db.example.com:6432/tenant_0a1b2c3d_shadow?sslmode=require&schema=public&pgbouncer=true',
    });
  });

  test('put an IPv6 host in brackets', () => {
    const strings = connectionStrings({ ...target, direct: { host: '::1', port: 5433 } });

    expect(new URL(strings.connection_string).host).toBe('[::1]:5433');
  });

  test('have no pooled form on a server without a pooler', () => {
    const strings = connectionStrings({ ...target, pooled: null });

    expect(strings.connection_string_pooled).toBeNull();
    expect(strings.shadow_database_url_pooled).toBeNull();
  });

  test.each(CONNECTION_FORMATS)('come in the form of %s, with the password once asked for', (format) => {
    expect(formatConnection(target, format)).toContain('secret');
  });

  test.each(CONNECTION_FORMATS)('lead to the name that a tenant schema has on each port, as %s', (format) => {
    const tenant = {
      ...target,
      pooled: { host: 'db.example.com', port: 6432, database: 'tenant_0001' },
      schema: 'tenant_0001',
      canHaveShadow: false,
    };

    const text = formatConnection(tenant, format);

    expect(text).not.toContain('shadow');
    expect(text).toMatch(format === 'drizzle' ? /tenant_0a1b2c3d/ : /tenant_0001/);
  });

  test('leave out of libpq what libpq refuses', () => {
    expect(formatConnection(target, 'libpq')).not.toMatch(/pgbouncer|schema/);
  });

  test('tell Prisma the schema of a tenant, in each URL and for the adapter', () => {
    const tenant = { ...target, schema: 'tenant_0001', canHaveShadow: false };

    const text = formatConnection(tenant, 'prisma');

    expect(text.match(/^\w+_URL=.*&schema=tenant_0001"$/gm)).toHaveLength(2);
    expect(text).toContain(
      "PrismaPg({ connectionString: process.env.DATABASE_URL }, { schema: 'tenant_0001' })",
    );
    expect(formatConnection(target, 'prisma')).not.toContain('{ schema:');
  });

  test('are the same for a schema elsewhere, since libpq refuses the parameter', () => {
    expect(connectionStrings({ ...target, schema: 'tenant_0001' })).toEqual(connectionStrings(target));
  });

  test.each(['prisma', 'env'] as const)(
    'are verified by node-postgres, without a warning, as %s',
    (format) => {
      const text = formatConnection(target, format);

      for (const [, query] of text.matchAll(/^\w+_URL=.*\?(.*)$/gm))
        expect(query).toContain('sslmode=verify-full');
      expect(text).toContain('rowhouse-ca.crt');
    },
  );

  test('have no ampersand as env, which a shell would take for its own', () => {
    expect(formatConnection(target, 'env')).not.toContain('&');
  });
});
