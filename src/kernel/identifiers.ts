/** PostgreSQL keeps 63 bytes of an identifier and silently cuts the rest (manual, 4.1.1), so more is refused. */
export const MAX_IDENTIFIER_BYTES = 63;

/** Quotes an identifier for SQL; refuses what PostgreSQL could not keep unchanged. The only door to DDL. */
export function quoteIdentifier(name: string): string {
  if (name.length === 0) throw new TypeError('an identifier may not be empty');
  if (name.includes('\0')) throw new TypeError('an identifier may not contain NUL');
  if (Buffer.byteLength(name, 'utf8') > MAX_IDENTIFIER_BYTES) {
    throw new TypeError(`an identifier may have at most ${MAX_IDENTIFIER_BYTES} bytes`);
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a string constant for SQL, where a parameter cannot stand (utility statements). */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new TypeError('a string constant may not contain NUL');
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

abstract class Identifier {
  protected constructor(readonly value: string) {}

  /** The name as it stands in SQL, quoted. */
  get sql(): string {
    return quoteIdentifier(this.value);
  }

  toString(): string {
    return this.value;
  }
}

/** The name of a database that Rowhouse manages: lower-case letters, digits and underscores. */
export class DatabaseName extends Identifier {
  declare private readonly kind: 'database';

  static of(value: string): DatabaseName {
    return new DatabaseName(assertPlain(value));
  }

  /** Prisma's shadow database beside this one. */
  get shadow(): DatabaseName {
    return DatabaseName.of(`${this.value}_shadow`);
  }
}

/** The name of a role that Rowhouse manages. */
export class RoleName extends Identifier {
  declare private readonly kind: 'role';

  static of(value: string): RoleName {
    return new RoleName(assertPlain(value));
  }
}

/** The name of a schema that Rowhouse manages. */
export class SchemaName extends Identifier {
  declare private readonly kind: 'schema';

  static of(value: string): SchemaName {
    return new SchemaName(assertPlain(value));
  }
}

function assertPlain(value: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(value)) {
    throw new TypeError('a managed name has lower-case letters, digits and underscores, 63 at most');
  }
  return value;
}
