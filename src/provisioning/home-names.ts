import { randomHex } from '../kernel/ids.js';

const HOME_NAME = /^tenant_(?:[0-9a-f]{8}(?:_shadow)?|\d{4,7})$/;

/** Names for a new home; they are random, so that they can be given before anybody asks for it. */
export function freshHomeNames(): { databaseName: string; username: string } {
  const suffix = randomHex(4);
  return { databaseName: `tenant_${suffix}`, username: `user_${suffix}` };
}

/** Whether a database or an alias has the name of a home, of its shadow database, or of a tenant schema. */
export function isHomeName(name: string): boolean {
  return HOME_NAME.test(name);
}
