import type { ApiResponse } from './api-response.js';
import type { Session } from './session.js';

/** Fails a test whose request changed something and left no trace in audit_logs. */
export class AuditTripwire {
  constructor(private readonly control: Session) {}

  async check(response: ApiResponse<unknown>): Promise<void> {
    if (isReplay(response)) return;
    const rows = await this.control.query('SELECT 1 FROM audit_logs WHERE request_id = $1 LIMIT 1', [
      response.requestId,
    ]);
    if (rows.length === 0) throw new Error(`${response.request} succeeded without an audit row`);
  }
}

/** An answer that was given before for the same Idempotency-Key was audited then. */
function isReplay(response: ApiResponse<unknown>): boolean {
  return response.headers.get('idempotent-replayed') === 'true';
}
