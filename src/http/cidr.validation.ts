import { ValidateBy, type ValidationArguments, type ValidationOptions } from 'class-validator';
import { Cidr, CidrError } from '../kernel/cidr.js';

/** An address or a network; the message says which one is bad and, with host bits set, which network was meant. */
export function IsCidr(options?: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    { name: 'isCidr', validator: { validate: (value) => findCidrProblem(value) === null, defaultMessage } },
    options,
  );
}

function defaultMessage(args?: ValidationArguments): string {
  const value: unknown = args?.value;
  if (!Array.isArray(value)) return findCidrProblem(value) ?? '';
  const problems = value.map((item, at) => ({ at, problem: findCidrProblem(item) }));
  const found = problems.find(({ problem }) => problem !== null);
  return found ? `item ${found.at + 1} ${found.problem}` : '';
}

/** What is wrong with it, as what would be accepted; null when it is an address or a network. */
export function findCidrProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string';
  try {
    Cidr.parse(value);
    return null;
  } catch (error) {
    if (error instanceof CidrError) return error.message;
    throw error;
  }
}
