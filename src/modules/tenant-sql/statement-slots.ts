import { Injectable } from '@nestjs/common';
import { RowhouseError } from '../../kernel/errors.js';

const FOR_ONE_TENANT = 2;
/** Bounds the memory that answers take together. */
const TOGETHER = 20;

/** How many statements run at once, in this process. */
@Injectable()
export class StatementSlots {
  private readonly running = new Map<string, number>();
  private total = 0;

  /** Throws RATE_LIMITED when there is no slot. */
  async use<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    const mine = this.running.get(tenantId) ?? 0;
    if (mine >= FOR_ONE_TENANT) throw busy(`${mine} statements of this tenant are running`);
    if (this.total >= TOGETHER) throw busy(`${this.total} statements are running`);
    this.change(tenantId, 1);
    try {
      return await work();
    } finally {
      this.change(tenantId, -1);
    }
  }

  private change(tenantId: string, by: 1 | -1): void {
    const mine = (this.running.get(tenantId) ?? 0) + by;
    if (mine === 0) this.running.delete(tenantId);
    else this.running.set(tenantId, mine);
    this.total += by;
  }
}

function busy(why: string): RowhouseError {
  return new RowhouseError('RATE_LIMITED', `${why}; try again when one has ended.`, {
    headers: { 'Retry-After': '1' },
  });
}
