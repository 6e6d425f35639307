export interface Problem {
  success: false;
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  retryable: boolean;
  errors?: { field: string; message: string }[];
}

interface Envelope<T> {
  success: true;
  message?: string;
  data: T;
  count?: number;
  next_cursor?: string | null;
}

const SHOWN_LINES = 30;
const STACK = /"stack":"(?:[^"\\]|\\.)*",?/g;

/** An answer of the API, already judged by the contract. */
export class ApiResponse<T> {
  constructor(
    readonly request: string,
    readonly status: number,
    readonly headers: Headers,
    readonly body: unknown,
    private readonly log: () => string,
  ) {}

  get ok(): boolean {
    return this.status < 400;
  }

  /** Returns itself, so that `(await api.get(…)).expect(200).data` reads well. */
  expect(status: number): this {
    if (this.status !== status) throw new Error(`expected ${status}: ${this.describe()}`);
    return this;
  }

  get data(): T {
    return this.envelope.data;
  }

  get message(): string | undefined {
    return this.envelope.message;
  }

  get count(): number | undefined {
    return this.envelope.count;
  }

  get nextCursor(): string | null | undefined {
    return this.envelope.next_cursor;
  }

  get problem(): Problem {
    if (this.ok) throw new Error(`expected a problem: ${this.describe()}`);
    return this.body as Problem;
  }

  /** The names of the fields that the problem complains of. */
  get badFields(): string[] {
    return (this.problem.errors ?? []).map((error) => error.field);
  }

  get requestId(): string | null {
    return this.headers.get('x-request-id');
  }

  private get envelope(): Envelope<T> {
    if (!this.ok) throw new Error(`expected success: ${this.describe()}`);
    return this.body as Envelope<T>;
  }

  private describe(): string {
    const answer = `${this.request} answered ${this.status} ${JSON.stringify(this.body)}`;
    if (this.status < 500) return answer;
    const lines = this.log().replaceAll(STACK, '').trim().split('\n');
    return [answer, "The application's log ends with", ...lines.slice(-SHOWN_LINES)].join('\n');
  }
}
