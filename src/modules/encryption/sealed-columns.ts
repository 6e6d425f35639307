import { answerPurpose } from '../../http/idempotency.store.js';
import { passwordPurpose } from '../../provisioning/home-credentials.js';
import { hostRoles } from '../../provisioning/tenancy/hosts/host-roles.js';

/** A column of the control database whose values are sealed. A test looks that none is missing here. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The primary key: names and types. */
  readonly key: Readonly<Record<string, 'uuid' | 'text'>>;
  /** Where the names stand that the secret was sealed for; the table itself is `t`. */
  readonly from: string;
  readonly names: readonly string[];
  readonly purpose: (names: readonly string[]) => string;
}

const ID = { id: 'uuid' } as const;
const ofName = ([name = '']: readonly string[]) => passwordPurpose(name);

function passwords(table: string, name: string, columns: readonly string[]): SealedColumn[] {
  return columns.map((column) => ({
    table,
    column,
    key: ID,
    from: `${table} t`,
    names: [`t.${name}`],
    purpose: ofName,
  }));
}

function hostPassword(column: string, role: 'app' | 'readonly'): SealedColumn {
  return {
    table: 'hosts',
    column,
    key: ID,
    from: 'hosts t JOIN databases d ON d.id = t.database_id',
    names: ['d.database_name'],
    purpose: ([database = '']) => passwordPurpose(hostRoles(database)[role].value),
  };
}

const OWN_AND_NEXT = ['password_ciphertext', 'next_password_ciphertext'];

export const SEALED_COLUMNS: readonly SealedColumn[] = [
  ...passwords('databases', 'database_name', OWN_AND_NEXT),
  ...passwords('warm_databases', 'database_name', ['password_ciphertext']),
  ...passwords('tenants', 'schema_name', OWN_AND_NEXT),
  ...passwords('warm_schemas', 'schema_name', ['password_ciphertext']),
  ...passwords('login_roles', 'username', OWN_AND_NEXT),
  hostPassword('app_ciphertext', 'app'),
  hostPassword('readonly_ciphertext', 'readonly'),
  {
    table: 'idempotency_keys',
    column: 'response_ciphertext',
    key: { api_key_id: 'text', idempotency_key: 'text' },
    from: 'idempotency_keys t',
    names: ['t.api_key_id', 't.idempotency_key'],
    purpose: ([apiKeyId = '', key = '']) => answerPurpose({ apiKeyId, key }),
  },
];
