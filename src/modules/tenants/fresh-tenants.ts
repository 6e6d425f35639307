import { Injectable } from '@nestjs/common';
import type { Operation } from '../../operations/operation.types.js';
import type { Tenant } from './tenant.js';

/**
 * Rows that this process has just written, for the first step of the operations that it runs on them: they need not be
 * read again. A later step works on another object, as does another attempt, and finds nothing here.
 */
@Injectable()
export class FreshTenants {
  private readonly rows = new WeakMap<Operation, Tenant>();

  keep(operation: Operation, tenant: Tenant): void {
    this.rows.set(operation, tenant);
  }

  /** Once: whoever asks again may have changed the row meanwhile. */
  take(operation: Operation): Tenant | null {
    const tenant = this.rows.get(operation) ?? null;
    this.rows.delete(operation);
    return tenant;
  }
}
