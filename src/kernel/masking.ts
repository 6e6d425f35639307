export const MASK = '***';

const SECRET_FIELDS =
  /^(password|secret|api_key|apiKey|key|token|ciphertext|verifier)$|_(password|secret|token|hash|ciphertext|verifier)$|[a-z](Password|Secret|Token|Hash|Ciphertext|Verifier)$/;
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:)[^\s@/]+@/gi;
const QUERY_PASSWORD = /([?&]password=)[^&\s]+/gi;

/** Hides the passwords of connection URLs in a text. */
export function maskText(text: string): string {
  return text.replace(URL_PASSWORD, `$1${MASK}@`).replace(QUERY_PASSWORD, `$1${MASK}`);
}

/** A deep copy with every secret field and every password in a URL hidden. */
export function maskSecrets(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (value instanceof Date || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(maskSecrets);
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [
      field,
      SECRET_FIELDS.test(field) && inner !== null && inner !== undefined ? MASK : maskSecrets(inner),
    ]),
  );
}
