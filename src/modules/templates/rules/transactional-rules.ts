import type { SqlStatement } from '../../../infra/sql-parser/sql-parser.js';
import { ALLOWED_EXTENSIONS } from '../../../provisioning/extensions.js';
import { changedObjects } from './changed-objects.js';
import type { NodeName } from './nodes.js';
import { EXTENSION, REFUSALS } from './refusals.js';
import { checkStatement } from './statement-checks.js';
import { labelOf } from './statement-label.js';

/** Why a version may not have the statement, for people; null when it may. */
export function refuseStatement(statement: SqlStatement): string | null {
  const reason = reasonAgainst(statement);
  return reason && `${labelOf(statement.text)} is not for templates: ${reason}`;
}

function reasonAgainst({ node, type }: SqlStatement): string | null {
  if ('CreateExtensionStmt' in node) return refuseExtension(node.CreateExtensionStmt.extname ?? '');
  const changed = changedObjects(node);
  if (!changed) return REFUSALS[type as NodeName] ?? 'it makes no tables';
  const foreign = changed.find(({ isQualified }) => isQualified);
  return checkStatement(node) ?? (foreign ? refuseQualified(foreign.parts) : null);
}

function refuseExtension(name: string): string {
  const isOffered = ALLOWED_EXTENSIONS.some((allowed) => allowed === name);
  return isOffered
    ? EXTENSION
    : `no database may have "${name}"; they may have ${ALLOWED_EXTENSIONS.join(', ')}`;
}

export function refuseQualified(parts: readonly string[]): string {
  return `"${parts.join('.')}" names a schema, but a template changes only the tenant's own: write names without a schema`;
}
