import type { MigrationError, MigrationStrategy } from '../migration.js';

/** The words are commands of the API and of the CLI alike. */
const HOW_TO_GO_ON = 'Mend it and `retry-failed` to try again and go on, or `resume` to go on without it.';

/** Counts the failures of one run and tells when they are too many. */
export class FailureBudget {
  constructor(
    private readonly strategy: Pick<MigrationStrategy, 'maxFailures'>,
    private failed: number,
  ) {}

  /** Notes a failure; not null when the migration shall pause. */
  fail(tenant: { readonly name: string; readonly ring: number }, message: string): MigrationError | null {
    this.failed += 1;
    const what = `${tenant.name}: ${message.replace(/[.\s]*$/, '.')}`;
    if (tenant.ring === 0) {
      return { code: 'CANARY_FAILED', message: `The canary failed. ${what} ${HOW_TO_GO_ON}` };
    }
    if (this.failed <= this.strategy.maxFailures) return null;
    const count = this.failed === 1 ? 'A tenant' : `${this.failed} tenants`;
    return { code: 'TOO_MANY_FAILURES', message: `${count} failed. Last ${what} ${HOW_TO_GO_ON}` };
  }
}
