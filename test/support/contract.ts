import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { parse } from 'yaml';
import { loadContractDocument } from './contract-document.js';
import { type Schema, toSharedSchema, toStrictSchema } from './openapi-schema.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

interface Media {
  schema?: Schema;
}

interface ResponseSpec {
  $ref?: string;
  content?: Record<string, Media>;
}

interface OperationSpec {
  operationId: string;
  security?: unknown[];
  responses: Record<string, ResponseSpec>;
  'x-required-scope'?: string;
  'x-tenant-bound-keys'?: string;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, OperationSpec>>;
  components?: { schemas?: Record<string, Schema>; responses?: Record<string, ResponseSpec> };
}

/** One route of the contract. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  /** Null for a route that is open to everybody. */
  readonly scope: string | null;
  /** The parameter that is a tenant's id, `filtered`, or null for a route that is closed to tenant-bound keys. */
  readonly tenantBoundKeys: string | null;
}

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: unknown;
}

/** The committed openapi.yaml, as a judge of answers. */
export class Contract {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly validators = new Map<Schema, ValidateFunction>();

  private constructor(private readonly document: Document) {
    ajvFormats.default(this.ajv);
    const schemas = Object.entries(document.components?.schemas ?? {});
    this.ajv.addSchema({
      $id: 'openapi',
      components: {
        schemas: Object.fromEntries(schemas.map(([name, schema]) => [name, toSharedSchema(schema)])),
      },
    });
  }

  static load(): Contract {
    return new Contract(loadContractDocument() as Document);
  }

  static parse(yaml: string): Contract {
    return new Contract(parse(yaml) as Document);
  }

  get routes(): Route[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]).map((method) => this.toRoute(method, path, item[method])),
    );
  }

  /** Throws unless the contract allows this answer to this request. */
  assertAllows(method: string, path: string, answer: Answer): void {
    const operation = this.findOperation(method, path);
    const where = `${method} ${path} answered ${answer.status}`;
    if (!operation) throw new Error(`${where}, but openapi.yaml has no such route`);
    const response = this.resolve(operation.responses[answer.status]);
    if (!response)
      throw new Error(`${where}, which openapi.yaml does not tell: ${JSON.stringify(answer.body)}`);
    const problem = this.findMismatch(response, answer);
    if (problem) throw new Error(`${where} against openapi.yaml: ${problem}: ${JSON.stringify(answer.body)}`);
  }

  private findMismatch({ content }: ResponseSpec, { contentType, body }: Answer): string | null {
    const type = contentType?.split(';')[0]?.trim() ?? null;
    if (!content) return body === null ? null : 'it has a body where none is promised';
    const media = type === null ? undefined : content[type];
    if (!media) return `its content type is ${type}, not ${Object.keys(content).join(' or ')}`;
    if (!media.schema || !type?.endsWith('json')) return null;
    const validate = this.validatorOf(media.schema);
    if (validate(body)) return null;
    return this.ajv.errorsText(validate.errors, { dataVar: 'body' });
  }

  private validatorOf(schema: Schema): ValidateFunction {
    const known = this.validators.get(schema);
    if (known) return known;
    const validator = this.ajv.compile(absoluteRefs(toStrictSchema(schema)));
    this.validators.set(schema, validator);
    return validator;
  }

  private findOperation(method: string, path: string): OperationSpec | undefined {
    const segments = path.split('?')[0]?.split('/') ?? [];
    const candidates = Object.keys(this.document.paths)
      .filter((template) => matches(template.split('/'), segments))
      .sort((a, b) => parameterCount(a) - parameterCount(b));
    const found = candidates.find((template) => this.document.paths[template]?.[method.toLowerCase()]);
    return found ? this.document.paths[found]?.[method.toLowerCase()] : undefined;
  }

  private resolve(response: ResponseSpec | undefined): ResponseSpec | undefined {
    const name = response?.$ref?.split('/').at(-1);
    return name ? this.document.components?.responses?.[name] : response;
  }

  private toRoute(method: string, path: string, operation: OperationSpec | undefined): Route {
    const scope = operation?.['x-required-scope'] ?? null;
    const tenantBoundKeys = operation?.['x-tenant-bound-keys'] ?? null;
    const operationId = operation?.operationId ?? '';
    return { method: method.toUpperCase(), path, operationId, scope, tenantBoundKeys };
  }
}

/** A schema that stands alone still refers to the shared ones of the document. */
function absoluteRefs(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"openapi#/')) as Schema;
}

function matches(template: readonly string[], path: readonly string[]): boolean {
  return (
    template.length === path.length && template.every((part, at) => isParameter(part) || part === path[at])
  );
}

function parameterCount(template: string): number {
  return template.split('/').filter(isParameter).length;
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{');
}
