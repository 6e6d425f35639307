import { createHash } from 'node:crypto';
import type { TemplateFile, TemplateVersion } from '../../provisioning/tenancy/templates/template-store.js';

/** SHA-256 over all that decides what a version does: its files in their order, and whether it is one transaction. */
export function checksumOf({
  transactional,
  files,
}: Pick<TemplateVersion, 'transactional'> & { readonly files: readonly TemplateFile[] }): string {
  const content = [transactional, files.map(({ name, kind, sql }) => [name, kind, sql])];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
