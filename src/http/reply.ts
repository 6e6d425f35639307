/**
 * What a route answers when it is not a plain 200: the envelope interceptor sends its status and headers, and wraps
 * its data as `{"success": true, "message"?, "data"}`.
 */
export class Reply<T> {
  constructor(
    readonly status: number,
    readonly data: T,
    readonly options: { message?: string; headers?: Readonly<Record<string, string>> } = {},
  ) {}

  /** The same answer with more headers. */
  withHeaders(headers: Readonly<Record<string, string>>): Reply<T> {
    const { options } = this;
    return new Reply(this.status, this.data, { ...options, headers: { ...options.headers, ...headers } });
  }
}

/** One page of a list: the envelope adds `count` and `next_cursor`. */
export class Page<T> {
  constructor(
    readonly items: readonly T[],
    /** Opaque; null on the last page. */
    readonly nextCursor: string | null,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}
