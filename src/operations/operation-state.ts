import { OPERATION_TRANSITIONS, type Operation } from './operation.types.js';

export function hasEnded({ state }: Pick<Operation, 'state'>): boolean {
  return OPERATION_TRANSITIONS[state].length === 0;
}
