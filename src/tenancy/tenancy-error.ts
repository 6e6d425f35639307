export type TenancyErrorCode =
  /** The name is none that Rowhouse gives to tenants. */
  | 'INVALID_TENANT'
  /** There is no such role, or the pool's login may not act as it: removed, suspended, or of another database. */
  | 'UNKNOWN_TENANT'
  /** The present transaction is another tenant's. */
  | 'OTHER_TENANT'
  /** There is no present transaction. */
  | 'NO_TENANT'
  | 'INVALID_OPTION'
  /** The statement would end the transaction, or stay behind on a connection that others use. */
  | 'STATEMENT_REFUSED'
  /** The client or the manager was kept for longer than its transaction. */
  | 'TRANSACTION_ENDED'
  /** The work has returned while one of its queries was still running. */
  | 'UNFINISHED_QUERY'
  /** The work has returned inside a transaction that it had begun itself. */
  | 'UNFINISHED_TRANSACTION'
  /** The connection broke, or a query could not be cancelled; nothing was kept. */
  | 'CONNECTION_LOST'
  /** PostgreSQL answered COMMIT with ROLLBACK: a statement had failed, and its error was swallowed. */
  | 'ROLLED_BACK';

/** What the library itself refuses. Errors of PostgreSQL and of the application pass as they are. */
export class TenancyError extends Error {
  constructor(
    readonly code: TenancyErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'TenancyError';
  }
}
