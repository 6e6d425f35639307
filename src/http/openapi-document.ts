import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { ErrorCode } from '../kernel/errors.js';
import { declaredCodes, shareProblems } from './openapi-problems.js';
import { byStatus, Problem, problemResponse } from './problem.js';
import { SCOPE_EXTENSION, TENANT_EXTENSION } from './route.js';

type PathItem = OpenAPIObject['paths'][string];
type OpenApiOperation = NonNullable<PathItem['get']> & {
  [TENANT_EXTENSION]?: string;
  [SCOPE_EXTENSION]?: string;
};

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
type Method = (typeof METHODS)[number];

const DESCRIPTION = `Postgres as a service: every tenant gets a home in PostgreSQL, with credentials and pooled connections.

**Start here.** Press *Authorize* and give the key that \`npm start\` printed, or one of \`POST /api/api-keys\`. Make a
database with \`POST /api/databases\`, or a template and a tenant with \`POST /api/templates\` and \`POST /api/tenants\`. Each
operation says below its title which scope the key needs. The README that comes with Rowhouse has the walk with curl and psql.

**Changes** run as operations. An answer within the wait (\`Prefer: wait=30\`) has what was made; a later one is 202 with the
operation, which alone has a \`kind\`, and \`Location\`. Repeat a \`POST\` safely with \`Idempotency-Key\`.

Request fields are camelCase, response fields snake_case. Errors are problems as RFC 9457 describes them. Every answer
carries \`X-Request-Id\`, and \`RateLimit-Limit\`, \`RateLimit-Remaining\` and \`RateLimit-Reset\` where requests are limited.`;

const PREFER = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description:
    '`wait=N`: seconds to wait for the operation (0 to 300, 30 unless told). `respond-async`: answer at once.',
  schema: { type: 'string' },
  example: 'wait=10',
} as const;

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Any text that is new for each intent. The same key and body get the first answer again for 24 hours.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  example: '3f7c2c1e-8a52-4a4e-9a55-0d6f5c0f8d5e',
} as const;

const TAGS: Readonly<Record<string, string>> = {
  Databases: 'Managed databases, their credentials and connection strings',
  Hosts: 'Databases that tenants live in, and groups of them',
  Tenants: 'Homes in a schema or a database, their credentials, roles and SQL',
  Whitelists: 'From which networks databases and tenants may be reached, on both ports',
  Templates: "Versioned SQL that tenants' schemas are made of",
  Migrations: "Template versions on their way to the template's tenants",
  'Partition policies': 'Partitioned tables of many tenants, made ahead of time and retired',
  Operations: 'Durable records of work: state, progress, error',
  Servers: 'The PostgreSQL servers and how they compare with what Rowhouse knows',
  'API keys': 'Who may do what',
  'Address bans': 'Addresses that are shut out for a while after too many wrong API keys',
  Documentation: 'Where things are',
  Health: 'For monitors and load balancers',
};

/** The contract of the application, from its controllers. */
export function buildDocument(app: INestApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, outline(), {
    extraModels: [Problem],
    operationIdFactory: (_controller, method) => method,
  });
  const operations = operationsOf(document);
  assertDistinct(operations.map(({ operation }) => operation.operationId ?? ''));
  for (const { method, operation } of operations) complete(method, operation);
  closeRequests(document, operations);
  return shareProblems(
    document,
    operations.map(({ operation }) => operation.responses),
  );
}

function outline() {
  const builder = new DocumentBuilder()
    .setTitle('Rowhouse')
    .setDescription(DESCRIPTION)
    .setVersion('0.1.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'The server of this document')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api-key')
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'rh_<id>_<secret>',
        description: 'The API key as token',
      },
      'bearer',
    );
  for (const [name, description] of Object.entries(TAGS)) builder.addTag(name, description);
  return builder.build();
}

export interface RouteOperation {
  readonly method: Method;
  readonly operation: OpenApiOperation;
}

function operationsOf(document: OpenAPIObject): RouteOperation[] {
  return Object.values(document.paths).flatMap((item) =>
    METHODS.flatMap((method) => (item[method] ? [{ method, operation: item[method] }] : [])),
  );
}

function assertDistinct(ids: string[]): void {
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  if (twice.length > 0)
    throw new Error(`Operation ids that are used twice: ${[...new Set(twice)].join(', ')}`);
}

/** Adds what every route of its kind has: headers, security, and the errors that any route may answer. */
function complete(method: Method, operation: OpenApiOperation): void {
  const isSecured = SCOPE_EXTENSION in operation;
  if (!isSecured) operation.security = [];
  else operation.description = describe(operation);
  if (isSecured && method === 'post') addParameter(operation, IDEMPOTENCY_KEY);
  if (operation.responses[202]) addParameter(operation, PREFER);
  for (const [status, codes] of byStatus(commonErrors(method, operation, isSecured))) {
    const declared = declaredCodes(operation.responses, status);
    const { status: _, ...response } = problemResponse(status, [...new Set([...declared, ...codes])]);
    operation.responses[status] = response;
  }
}

/** Swagger UI does not show extensions. */
function describe({ description, [SCOPE_EXTENSION]: scope }: OpenApiOperation): string {
  return [description, `Needs the scope \`${scope}\`.`].filter(Boolean).join('\n\n');
}

function addParameter(operation: OpenApiOperation, parameter: typeof PREFER | typeof IDEMPOTENCY_KEY): void {
  operation.parameters = [...(operation.parameters ?? []), { ...parameter }];
}

function commonErrors(method: Method, operation: OpenApiOperation, isSecured: boolean): ErrorCode[] {
  const isWrite = method !== 'get';
  const hasInput = isWrite || (operation.parameters?.length ?? 0) > 0;
  return [
    ...when(hasInput, 'VALIDATION_FAILED'),
    ...when(isWrite, 'MALFORMED_BODY', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
    ...when(hasCursor(operation), 'INVALID_CURSOR'),
    ...when(isSecured, 'UNAUTHENTICATED', 'INSUFFICIENT_SCOPE', 'ADDRESS_NOT_ALLOWED', 'SERVICE_UNAVAILABLE'),
    ...when(isSecured && operation[TENANT_EXTENSION] !== 'filtered', 'NOT_FOUND'),
    ...when(isSecured && method === 'post', 'IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_IN_USE'),
    ...when(isSecured || !operation.tags?.includes('Health'), 'RATE_LIMITED', 'ADDRESS_BANNED', 'INTERNAL'),
  ];
}

function when(condition: boolean, ...codes: ErrorCode[]): ErrorCode[] {
  return condition ? codes : [];
}

function hasCursor(operation: OpenApiOperation): boolean {
  return (
    operation.parameters?.some((parameter) => 'name' in parameter && parameter.name === 'cursor') ?? false
  );
}

/** Requests with fields that are not listed are refused; the contract says so. */
function closeRequests(document: OpenAPIObject, operations: readonly RouteOperation[]): void {
  for (const { operation } of operations) {
    const name = /"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(operation.requestBody ?? null))?.[1];
    const schema = name === undefined ? undefined : document.components?.schemas?.[name];
    if (schema && !('$ref' in schema)) schema.additionalProperties = false;
  }
}
