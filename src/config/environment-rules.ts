import { ValidateBy } from 'class-validator';
import { Cidr } from '../kernel/cidr.js';

/** The items of a comma-separated variable. */
export function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Exact origins; a pattern or `*` is none, since a browser would let every page use a key that it has. */
export function IsOriginList(): PropertyDecorator {
  return ValidateBy({
    name: 'isOriginList',
    validator: {
      validate: (value) => listOf(String(value)).every(isOrigin),
      defaultMessage: (args) =>
        `${args?.property} must be origins such as https://console.example.com, separated by commas`,
    },
  });
}

/** 32 bytes, as 64 hexadecimal digits or as base64. */
export const ENCRYPTION_KEY_FORM = /^([0-9a-f]{64}|[A-Za-z0-9+/]{43}=)$/;

export function IsEncryptionKeyList(): PropertyDecorator {
  return ValidateBy({
    name: 'isEncryptionKeyList',
    validator: {
      validate: (value) => listOf(String(value)).every((key) => ENCRYPTION_KEY_FORM.test(key)),
      defaultMessage: (args) =>
        `${args?.property} must be former keys of 32 bytes each, as 64 hexadecimal digits or as base64, separated by commas`,
    },
  });
}

export function IsProxyTrust(): PropertyDecorator {
  return ValidateBy({
    name: 'isProxyTrust',
    validator: {
      validate: (value) => value === 'true' || value === 'false' || isCidrList(String(value)),
      defaultMessage: (args) =>
        `${args?.property} must be true, false, or the networks of the proxies, separated by commas`,
    },
  });
}

function isOrigin(text: string): boolean {
  if (text.includes('*') || !URL.canParse(text)) return false;
  const { protocol, origin } = new URL(text);
  return /^https?:$/.test(protocol) && origin === text;
}

function isCidrList(text: string): boolean {
  try {
    return listOf(text).map(Cidr.parse).length > 0;
  } catch {
    return false;
  }
}
