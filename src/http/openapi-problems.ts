import type { OpenAPIObject } from '@nestjs/swagger';
import type { ErrorCode } from '../kernel/errors.js';
import { PROBLEM_CONTENT_TYPE, problemExamples } from './problem.js';

type Responses = NonNullable<OpenAPIObject['paths'][string]['get']>['responses'];

/** The codes that a route declares for the status. */
export function declaredCodes(responses: Responses, status: number): ErrorCode[] {
  const response = responses[status];
  if (!response || !('content' in response)) return [];
  return Object.keys(response.content?.[PROBLEM_CONTENT_TYPE]?.examples ?? {}) as ErrorCode[];
}

/** Moves the problem responses, most of which many routes share, and their examples to the components. */
export function shareProblems(document: OpenAPIObject, routes: readonly Responses[]): OpenAPIObject {
  const shared: Record<string, NonNullable<Responses[string]>> = {};
  const used = new Set<string>();
  for (const responses of routes) {
    for (const [status, response] of Object.entries(responses)) {
      const codes = declaredCodes(responses, Number(status));
      if (codes.length === 0 || !response) continue;
      const name = codes.map(toPascalCase).join('Or');
      shared[name] = response;
      responses[status] = { $ref: `#/components/responses/${name}` };
      for (const code of codes) used.add(code);
    }
  }
  const examples = Object.fromEntries(Object.entries(problemExamples()).filter(([code]) => used.has(code)));
  return { ...document, components: { ...document.components, responses: shared, examples } };
}

function toPascalCase(code: string): string {
  return code.toLowerCase().replace(/(^|_)([a-z])/g, (_match, _gap, letter: string) => letter.toUpperCase());
}
