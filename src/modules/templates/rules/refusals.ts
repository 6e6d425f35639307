import { ALLOWED_EXTENSIONS } from '../../../provisioning/extensions.js';
import type { NodeName } from './nodes.js';

const TRANSACTION = 'a version runs in one transaction, which it can neither begin nor end';
export const SCHEMA = 'Rowhouse makes the schema of a tenant; a template fills it';
export const SERVER = 'it concerns the whole server';
export const DATABASE = 'it concerns the whole database';
export const ROLES =
  "roles belong to the server, and what a template makes belongs to the database's provisioner";
export const EXTENSION = `leave it out: a database gets the extensions that a version uses, of ${ALLOWED_EXTENSIONS.join(', ')}`;
const FILES = 'nothing goes between templates and files; write INSERT for data';
const NOTIFY = 'sessions are used for one tenant after another';
export const SESSION = 'it belongs to a session, and sessions are used for one tenant after another';
export const FOREIGN = "a tenant's tables are all in its own schema";
export const POWER = 'it needs a superuser, or reaches beyond the schema';
export const ONLINE = 'it cannot run in a transaction; it may stand in a version marked "transaction": false';

/** Why no template may have a statement; for the others see `changedObjects`. */
export const REFUSALS: { readonly [Name in NodeName]?: string } = {
  AlterDatabaseRefreshCollStmt: DATABASE,
  AlterDatabaseSetStmt: DATABASE,
  AlterDatabaseStmt: DATABASE,
  AlterDefaultPrivilegesStmt: 'Rowhouse decides what the tenant may do with its tables',
  AlterEventTrigStmt: DATABASE,
  AlterExtensionContentsStmt: EXTENSION,
  AlterExtensionStmt: EXTENSION,
  AlterFdwStmt: FOREIGN,
  AlterForeignServerStmt: FOREIGN,
  AlterObjectSchemaStmt: SCHEMA,
  AlterOpFamilyStmt: POWER,
  AlterOperatorStmt: POWER,
  AlterOwnerStmt: ROLES,
  AlterPublicationStmt: DATABASE,
  AlterRoleSetStmt: ROLES,
  AlterRoleStmt: ROLES,
  AlterSubscriptionStmt: DATABASE,
  AlterSystemStmt: SERVER,
  AlterTableMoveAllStmt: SERVER,
  AlterTableSpaceOptionsStmt: SERVER,
  AlterUserMappingStmt: FOREIGN,
  CheckPointStmt: SERVER,
  ClosePortalStmt: SESSION,
  ClusterStmt: 'it locks the table while it writes it anew',
  CopyStmt: FILES,
  CreateAmStmt: POWER,
  CreateCastStmt: POWER,
  CreateConversionStmt: POWER,
  CreatedbStmt: SERVER,
  CreateEventTrigStmt: DATABASE,
  CreateExtensionStmt: EXTENSION,
  CreateFdwStmt: FOREIGN,
  CreateForeignServerStmt: FOREIGN,
  CreateForeignTableStmt: FOREIGN,
  CreateOpClassStmt: POWER,
  CreateOpFamilyStmt: POWER,
  CreatePLangStmt: DATABASE,
  CreatePublicationStmt: DATABASE,
  CreateRoleStmt: ROLES,
  CreateSchemaStmt: SCHEMA,
  CreateSubscriptionStmt: DATABASE,
  CreateTableSpaceStmt: SERVER,
  CreateTransformStmt: POWER,
  CreateUserMappingStmt: FOREIGN,
  DeallocateStmt: SESSION,
  DeclareCursorStmt: SESSION,
  DiscardStmt: SESSION,
  DropOwnedStmt: ROLES,
  DropRoleStmt: ROLES,
  DropSubscriptionStmt: DATABASE,
  DropTableSpaceStmt: SERVER,
  DropUserMappingStmt: FOREIGN,
  DropdbStmt: SERVER,
  ExecuteStmt: SESSION,
  FetchStmt: SESSION,
  GrantRoleStmt: ROLES,
  ImportForeignSchemaStmt: FOREIGN,
  ListenStmt: NOTIFY,
  LoadStmt: SERVER,
  NotifyStmt: NOTIFY,
  PrepareStmt: SESSION,
  ReassignOwnedStmt: ROLES,
  ReindexStmt: ONLINE,
  SecLabelStmt: POWER,
  TransactionStmt: TRANSACTION,
  UnlistenStmt: NOTIFY,
};
