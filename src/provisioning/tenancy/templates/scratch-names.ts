import { SchemaName } from '../../../kernel/identifiers.js';
import { randomHex } from '../../../kernel/ids.js';

const NAME = /^scratch_([0-9a-f]{8})_[0-9a-f]{8}$/;

/** A name that tells when it was made. */
export function scratchSchemaName(now: Date): SchemaName {
  const seconds = Math.floor(now.getTime() / 1000);
  return SchemaName.of(`scratch_${seconds.toString(16).padStart(8, '0')}_${randomHex(4)}`);
}

/** Null for a name that is none of `scratchSchemaName`. */
export function scratchSchemaTime(name: string): Date | null {
  const [, seconds] = NAME.exec(name) ?? [];
  return seconds === undefined ? null : new Date(Number.parseInt(seconds, 16) * 1000);
}
