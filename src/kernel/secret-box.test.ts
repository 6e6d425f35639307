import { expect, test } from 'vitest';
import { SecretBox } from './secret-box.js';

const [old, present, other] = [1, 2, 3].map((fill) => Buffer.alloc(32, fill)) as [Buffer, Buffer, Buffer];

test('opens what a former key sealed, and seals with the present one', () => {
  const box = SecretBox.of(present, [old]);
  const sealed = SecretBox.of(old).seal('hunter2', 'door');

  expect(box.open(sealed, 'door')).toBe('hunter2');
  expect(box.seal('x', 'door').split('.')[1]).toBe(SecretBox.of(present).keyId);
  expect(SecretBox.of(present).open(box.reseal(sealed, 'door'), 'door')).toBe('hunter2');
});

test('opens nothing of another key, another purpose or another text', () => {
  const sealed = SecretBox.of(old).seal('hunter2', 'door');
  // Not the last character: some of its bits mean nothing.
  const changed = sealed.replace(/[^.](?=[^.]*$)/, (first) => (first === 'A' ? 'B' : 'A'));
  const [version, , ...rest] = sealed.split('.');
  const renamed = [version, SecretBox.of(other).keyId, ...rest].join('.');

  expect(() => SecretBox.of(present).open(sealed, 'door')).toThrow('another key');
  for (const [text, purpose] of [
    [sealed, 'window'],
    [changed, 'door'],
    [renamed, 'door'],
    ['', 'door'],
    ['v2.x', 'door'],
  ] as const)
    expect(() => SecretBox.of(other, [old]).open(text, purpose)).toThrow();
});

test('refuses a tag that was cut short', () => {
  const [version, id, nonce, tag = '', text] = SecretBox.of(old).seal('hunter2', 'door').split('.');
  const short = [version, id, nonce, tag.slice(0, 6), text].join('.');

  expect(() => SecretBox.of(old).open(short, 'door')).toThrow();
});

test('the id of a key says nothing about the key', () => {
  const { keyId } = SecretBox.of(old);

  expect(keyId).toMatch(/^[0-9a-f]{8}$/);
  expect(old.toString('hex')).not.toContain(keyId);
});
