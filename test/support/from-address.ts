import { request } from 'node:http';

export interface AddressedRequest {
  /** The client's own address, such as 127.0.0.2. */
  readonly from: string;
  readonly method?: string;
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface AddressedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** A request whose connection comes from the given address; `fetch` cannot choose one. */
export function requestFrom(url: string, options: AddressedRequest): Promise<AddressedAnswer> {
  const { from, method = 'GET', key = null, body, headers = {} } = options;
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method,
      localAddress: from,
      agent: false,
      headers: {
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...(key !== null && { 'x-api-key': key }),
        ...headers,
      },
    });
    asked.on('error', reject);
    asked.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const isJson = response.headers['content-type']?.includes('json');
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers as Record<string, string | undefined>,
        body: isJson ? JSON.parse(text) : text,
      });
    });
    asked.end(payload);
  });
}
