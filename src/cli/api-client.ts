import { loadClientConfig } from '../config/client-config.js';

export type ApiMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface ProblemBody {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly request_id?: string;
  readonly errors?: readonly { field: string; message: string }[];
}

/** Why a command got no answer or no success: one line, and the lines that say more. */
export class ApiFailure extends Error {
  constructor(
    message: string,
    readonly details: readonly string[] = [],
    /** The answer's status and code; null when there was no answer. */
    readonly answer: { readonly status: number; readonly code: string } | null = null,
  ) {
    super(message);
    this.name = 'ApiFailure';
  }
}

/** Asks the API that ROWHOUSE_URL names and returns the answer's `data`. Throws ApiFailure. */
export async function apiRequest<T>(method: ApiMethod, path: string, body?: unknown): Promise<T> {
  const answer = await apiFetch(method, path, { body });
  const envelope = (await answer.json()) as { data: T };
  return envelope.data;
}

/** The same for a whole list: every page of it. */
export async function apiList<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const mark: string = path.includes('?') ? '&' : '?';
    const page: string = cursor === null ? path : `${path}${mark}cursor=${encodeURIComponent(cursor)}`;
    const envelope = (await (await apiFetch('GET', page)).json()) as {
      data: T[];
      next_cursor: string | null;
    };
    items.push(...envelope.data);
    cursor = envelope.next_cursor;
  } while (cursor !== null);
  return items;
}

export interface ApiFetchOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The bare answer, for event streams; an error status throws ApiFailure. */
export async function apiFetch(
  method: ApiMethod,
  path: string,
  options: ApiFetchOptions = {},
): Promise<Response> {
  const { url, key } = loadClientConfig();
  if (key === null)
    throw new ApiFailure('An API key is needed: set ROWHOUSE_KEY to the one that `npm start` showed');
  const answer = await send(url, { method, path, key, ...options });
  if (!answer.ok) throw await toFailure(answer);
  return answer;
}

interface Order extends ApiFetchOptions {
  readonly method: ApiMethod;
  readonly path: string;
  readonly key: string;
}

async function send(url: string, { method, path, key, body, headers, signal }: Order): Promise<Response> {
  try {
    return await fetch(url + path, {
      method,
      headers: {
        'x-api-key': key,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiFailure(
      `Rowhouse does not answer at ${url}: start it with \`npm start\`, or set ROWHOUSE_URL (${reasonOf(error)})`,
    );
  }
}

async function toFailure(answer: Response): Promise<ApiFailure> {
  const problem = (await answer.json().catch(() => ({}))) as ProblemBody;
  const code = problem.code ?? `HTTP_${answer.status}`;
  const fields = (problem.errors ?? []).map(({ field, message }) => `${field}: ${message}`);
  const request = problem.request_id ? [`request ${problem.request_id}`] : [];
  const title = problem.title ?? answer.statusText;
  // Of a bad request the detail is the list of its fields.
  const message = fields.length > 0 ? title : (problem.detail ?? title);
  return new ApiFailure(`${message} (${answer.status} ${code})`, [...fields, ...request], {
    status: answer.status,
    code,
  });
}

/** fetch says only "fetch failed"; what happened is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof AggregateError) return cause.errors.map((inner: Error) => inner.message).join(', ');
  return cause instanceof Error ? cause.message : String(cause);
}
