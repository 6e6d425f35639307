import { ApiResponse } from './api-response.js';
import type { AuditTripwire } from './audit-tripwire.js';
import type { Contract } from './contract.js';

export interface RequestOptions {
  /** Another key than the client's; null sends none. */
  key?: string | null;
  /** Sends the key as `Authorization: Bearer` rather than as `X-API-Key`. */
  bearer?: boolean;
  idempotencyKey?: string;
  /** The `Prefer` header: `wait=5`, `respond-async`. */
  prefer?: string;
  headers?: Record<string, string>;
  /** Sent as it is instead of a JSON body, with `headers['content-type']` or as application/json. */
  rawBody?: string | Uint8Array;
  /** The request is not one of openapi.yaml's, so no contract judges the answer. */
  outsideContract?: boolean;
  /** The request changes nothing (a PUT that finds what it asks for), so no audit row is due. */
  changesNothing?: boolean;
}

export interface ApiClientOptions {
  baseUrl: string;
  key: string | null;
  contract: Contract;
  audit: AuditTripwire;
  /** The application's, which says more than a 500 may. */
  log: () => string;
}

const MUTATING = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * A client with tripwires: an answer that openapi.yaml does not allow, or a successful change without an audit row,
 * throws. Error statuses do not throw: they are answers like others.
 */
export class ApiClient {
  constructor(private readonly options: ApiClientOptions) {}

  get baseUrl(): string {
    return this.options.baseUrl;
  }

  withKey(key: string | null): ApiClient {
    return new ApiClient({ ...this.options, key });
  }

  get<T = unknown>(path: string, options?: RequestOptions): Promise<ApiResponse<T>> {
    return this.request<T>('GET', path, undefined, options);
  }

  post<T = unknown>(path: string, body?: unknown, options?: RequestOptions): Promise<ApiResponse<T>> {
    return this.request<T>('POST', path, body, options);
  }

  put<T = unknown>(path: string, body?: unknown, options?: RequestOptions): Promise<ApiResponse<T>> {
    return this.request<T>('PUT', path, body, options);
  }

  patch<T = unknown>(path: string, body?: unknown, options?: RequestOptions): Promise<ApiResponse<T>> {
    return this.request<T>('PATCH', path, body, options);
  }

  delete<T = unknown>(path: string, options?: RequestOptions): Promise<ApiResponse<T>> {
    return this.request<T>('DELETE', path, undefined, options);
  }

  async request<T>(
    method: string,
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<ApiResponse<T>> {
    const answer = await this.fetch(method, path, body, options);
    const text = await answer.text();
    const contentType = answer.headers.get('content-type');
    const parsed = parseBody(text, contentType);
    const response = new ApiResponse<T>(
      `${method} ${path}`,
      answer.status,
      answer.headers,
      parsed,
      this.options.log,
    );
    if (!options.outsideContract) {
      this.options.contract.assertAllows(method, path, { status: answer.status, contentType, body: parsed });
    }
    if (MUTATING.has(method) && response.ok && !options.changesNothing)
      await this.options.audit.check(response);
    return response;
  }

  /** The bare answer, unjudged: for event streams and downloads. */
  fetch(method: string, path: string, body?: unknown, options: RequestOptions = {}): Promise<Response> {
    const payload = options.rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    return fetch(this.options.baseUrl + path, {
      method,
      body: payload as RequestInit['body'],
      headers: this.headersOf(payload !== undefined, options),
    });
  }

  private headersOf(hasBody: boolean, options: RequestOptions): Record<string, string> {
    const key = options.key === undefined ? this.options.key : options.key;
    return {
      ...(hasBody && { 'content-type': 'application/json' }),
      ...(key !== null && (options.bearer ? { authorization: `Bearer ${key}` } : { 'x-api-key': key })),
      ...(options.idempotencyKey !== undefined && { 'idempotency-key': options.idempotencyKey }),
      ...(options.prefer !== undefined && { prefer: options.prefer }),
      ...options.headers,
    };
  }
}

function parseBody(text: string, contentType: string | null): unknown {
  if (text === '') return null;
  return contentType?.split(';')[0]?.endsWith('json') ? JSON.parse(text) : text;
}
