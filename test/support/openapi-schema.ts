/** A JSON Schema, or what OpenAPI 3.0 takes for one. */
export type Schema = { readonly [keyword: string]: unknown };

const COMPOSITIONS = ['allOf', 'anyOf', 'oneOf'] as const;

/**
 * Rewrites a schema of OpenAPI as JSON Schema 2020-12, with `nullable` spelt out and every object closed: a property
 * that the contract does not tell is an error. Parts of a composition stay open, the composition itself is closed.
 */
export function toStrictSchema(schema: Schema): Schema {
  return rewrite(schema, { closed: true });
}

/** The same, open at the top, for schemas that others refer to: they are closed where they are used. */
export function toSharedSchema(schema: Schema): Schema {
  return rewrite(schema, { closed: false });
}

function rewrite(schema: Schema, { closed }: { closed: boolean }): Schema {
  const { nullable, example: _example, examples: _examples, ...rest } = schema;
  if (nullable === true) return { anyOf: [rewrite(rest, { closed }), { type: 'null' }] };
  const result: Record<string, unknown> = { ...rest };
  if (isObject(rest.properties)) result.properties = mapValues(rest.properties, toStrictSchema);
  if (isObject(rest.items)) result.items = toStrictSchema(rest.items);
  if (isObject(rest.additionalProperties))
    result.additionalProperties = toStrictSchema(rest.additionalProperties);
  for (const keyword of COMPOSITIONS) {
    const parts = rest[keyword];
    if (Array.isArray(parts)) result[keyword] = parts.map(toSharedSchema);
  }
  if (isFreeForm(rest)) result.additionalProperties = true;
  else if (closed && describesObject(rest)) result.unevaluatedProperties = false;
  return result;
}

function isFreeForm(schema: Schema): boolean {
  return schema.type === 'object' && !describesObject(schema) && schema.additionalProperties === undefined;
}

function describesObject(schema: Schema): boolean {
  return ['properties', '$ref', ...COMPOSITIONS].some((keyword) => keyword in schema);
}

function isObject(value: unknown): value is Schema {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function mapValues(schemas: Schema, change: (schema: Schema) => Schema): Schema {
  return Object.fromEntries(Object.entries(schemas).map(([name, inner]) => [name, change(inner as Schema)]));
}
