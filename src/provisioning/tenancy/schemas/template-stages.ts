import { quoteLiteral } from '../../../kernel/identifiers.js';
import type { TemplateFile } from '../templates/template-store.js';

export interface Stages {
  readonly schemaName: string;
  readonly templateId: string;
  readonly first: number;
  readonly last: number;
  readonly kinds: readonly TemplateFile['kind'][];
}

/** For a transaction that another one follows, whose commit waits for the disk for both (PostgreSQL manual, 30.4). */
export const COMMIT_LATER = 'SET LOCAL synchronous_commit = off';

/**
 * Statements of one message that bring a new schema from version to version, each in a transaction of its own, as
 * tenants with rows get it: the label that one version adds to an enum is usable by the next only after a commit
 * (PostgreSQL manual, ALTER TYPE), and deferred triggers and ON COMMIT wait for one too. A version that is there already
 * is left out, so whoever finds a schema half made runs them again.
 */
export function renderStages({ schemaName, templateId, first, last, kinds }: Stages): string {
  const list = kinds.map(quoteLiteral).join(', ');
  const stages: string[] = [];
  for (let version = first; version <= last; version += 1) {
    const setting = version < last ? `${COMMIT_LATER}; ` : '';
    stages.push(`BEGIN; ${setting}SELECT shared.run_template(${quoteLiteral(schemaName)}, ${quoteLiteral(templateId)}, ${version},
      ARRAY[${list}]); COMMIT`);
  }
  return stages.join(';\n');
}

export function kindsOf({ seeds }: { readonly seeds: boolean }): readonly TemplateFile['kind'][] {
  return seeds ? ['schema', 'seed'] : ['schema'];
}
