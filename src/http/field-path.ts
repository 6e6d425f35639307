/** A field inside another one, as clients write it: `timeouts.lockMs`, `files[2].sql`; `parent` is empty at the top. */
export function fieldPath(parent: string, name: string): string {
  if (parent === '') return name;
  return /^\d+$/.test(name) ? `${parent}[${name}]` : `${parent}.${name}`;
}
