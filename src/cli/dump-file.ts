import type { SqlStatement } from '../infra/sql-parser/sql-parser.js';
import { SqlParser, SqlSyntaxError } from '../infra/sql-parser/sql-parser.js';
import { RowhouseError } from '../kernel/errors.js';
import { withoutPreamble, withoutRestriction } from '../modules/templates/dump-preamble.js';
import { withoutSchema } from './dump-names.js';

/** What a dump says of owners, rights and the database, which are not a template's to say. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'AlterDefaultPrivilegesStmt',
  'AlterOwnerStmt',
  'CreateExtensionStmt',
  'CreateSchemaStmt',
  'GrantRoleStmt',
  'GrantStmt',
]);

/**
 * The SQL of a plain `pg_dump -s` of one schema as a template has it: names without the schema, no owners, no rights.
 * Nothing of it is run; the API judges what is left. Throws VALIDATION_FAILED.
 */
export async function readDump(text: string): Promise<string> {
  const parser = new SqlParser();
  try {
    const sql = withoutRestriction(text);
    const { statements } = await parser.parse(sql);
    const { statements: own } = await parser.parse(withoutPreamble(sql, statements));
    const schema = schemaOf(own);
    return `${own
      .filter(isKept)
      .map((statement) => `${withoutSchema(statement.text, schema)};\n`)
      .join('\n')}`;
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error;
    throw invalidDump(`line ${error.place.line}: ${error.message}`);
  } finally {
    await parser.onApplicationShutdown();
  }
}

/** The one that its tables are in. */
function schemaOf(statements: readonly SqlStatement[]): string {
  const names = statements.flatMap(({ node }) =>
    'CreateStmt' in node ? [node.CreateStmt.relation?.schemaname ?? 'public'] : [],
  );
  const [schema = 'public', other] = [...new Set(names)];
  if (other !== undefined)
    throw invalidDump(`it has tables of ${schema} and of ${other}: dump one schema, pg_dump -s -n ${schema}`);
  return schema;
}

function isKept({ node, type }: SqlStatement): boolean {
  if (LEFT_OUT.has(type)) return false;
  if ('CommentStmt' in node) {
    const { objtype } = node.CommentStmt;
    return objtype !== 'OBJECT_SCHEMA' && objtype !== 'OBJECT_EXTENSION';
  }
  if (!('AlterTableStmt' in node)) return true;
  const [command] = node.AlterTableStmt.cmds ?? [];
  return !(command && 'AlterTableCmd' in command && command.AlterTableCmd.subtype === 'AT_ChangeOwner');
}

function invalidDump(problem: string): RowhouseError {
  return new RowhouseError(
    'VALIDATION_FAILED',
    `The file is no dump that a template can be made of: ${problem}`,
  );
}
