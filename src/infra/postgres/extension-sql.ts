import { quoteIdentifier, type RoleName } from '../../kernel/identifiers.js';

/** The versions that the server has, and whether a database's owner may install them without being superuser. */
export const FIND_EXTENSIONS = `
  SELECT e.name, bool_or(v.trusted) AS "isTrusted"
  FROM pg_catalog.pg_available_extensions e
  JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
  WHERE e.name = ANY ($1)
  GROUP BY e.name ORDER BY e.name`;

export const FIND_INSTALLED_EXTENSIONS = 'SELECT extname AS name FROM pg_catalog.pg_extension';

/** As the owner itself would: nothing runs with more rights than it could have had anyway. */
export function createTrustedExtension(extension: string, owner: RoleName): string {
  return `BEGIN;
    SET LOCAL ROLE ${owner.sql};
    CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(extension)} WITH SCHEMA public;
    COMMIT`;
}

/**
 * As superuser, so the script must not meet objects of the tenant's, which could stand in for functions that it calls:
 * its schema is made in the same transaction, belongs to the superuser, and must not exist before.
 */
export function createUntrustedExtension(extension: string): string {
  const name = quoteIdentifier(extension);
  return `BEGIN;
    CREATE SCHEMA ${name};
    GRANT USAGE ON SCHEMA ${name} TO PUBLIC;
    CREATE EXTENSION ${name} WITH SCHEMA ${name};
    COMMIT`;
}
