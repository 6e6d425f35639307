export interface RowLimits {
  readonly maxRows: number;
  /** Of the rows as PostgreSQL sends them. */
  readonly maxBytes: number;
}

/** The first rows of an answer, as many as fit. */
export class KeptRows {
  readonly rows: (readonly (string | null)[])[] = [];
  isTruncated = false;
  /** Rows that came, kept or not. */
  seen = 0;
  private bytes = 0;

  constructor(private readonly limits: RowLimits) {}

  /** From the first row that does not fit, none is kept any more. */
  add(row: readonly (string | null)[], bytes: number): void {
    const { maxRows, maxBytes } = this.limits;
    this.seen += 1;
    this.isTruncated ||= this.rows.length >= maxRows || this.bytes + bytes > maxBytes;
    if (this.isTruncated) return;
    this.rows.push(row);
    this.bytes += bytes;
  }
}
