import { BlockList } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Cidr, CidrError } from './cidr.js';

const parse = (text: string) => Cidr.parse(text);

describe('the canonical text', () => {
  test.each([
    ['203.0.113.5', '203.0.113.5/32'],
    ['203.0.113.5/32', '203.0.113.5/32'],
    ['203.0.113.0/24', '203.0.113.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255', '255.255.255.255/32'],
    ['2001:DB8::1', '2001:db8::1/128'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1/128'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1/128'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3/128'],
    ['2001:db8:10::/48', '2001:db8:10::/48'],
    ['1:2:3:4:5:6:0:0/96', '1:2:3:4:5:6::/96'],
    ['::', '::/128'],
    ['::/0', '::/0'],
    ['::1', '::1/128'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221/128'],
    ['::ffff:203.0.113.5', '203.0.113.5/32'],
    ['::FFFF:CB00:7105', '203.0.113.5/32'],
    ['::ffff:203.0.113.0/120', '203.0.113.0/24'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
  ])('of %s is %s', (text, canonical) => {
    expect(String(parse(text))).toBe(canonical);
    expect(String(parse(canonical))).toBe(canonical);
  });

  test('of IPv6 is what the URL standard makes of it too', () => {
    for (let at = 0; at < 2_000; at += 1) {
      const address = randomV6();
      const [network] = String(parse(address)).split('/');
      const expected = new URL(`http://[${address}]`).hostname.slice(1, -1);
      if (!expected.startsWith('::ffff:')) expect(network).toBe(expected);
    }
  });
});

describe('refused', () => {
  test.each([
    '',
    ' 203.0.113.5',
    '203.0.113.5\n',
    '203.0.113',
    '203.0.113.256',
    '203.0.113.05',
    '0x7f.0.0.1',
    '2130706433',
    '203.0.113.0/',
    '203.0.113.0/33',
    '203.0.113.0/024',
    '203.0.113.0/-1',
    '203.0.113.0/24/24',
    '203.0.113.0/255.255.255.0',
    '203.0.113.*',
    'example.com',
    '2001:db8::/129',
    '2001:db8:::1',
    '2001:db8::1::2',
    '[::1]',
    'fe80::1%eth0',
    '::ffff:203.0.113.256',
  ])('is %j', (text) => {
    expect(() => parse(text)).toThrow(CidrError);
  });

  test.each([
    ['203.0.113.5/24', '203.0.113.0/24'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/0', '0.0.0.0/0'],
    ['2001:db8::1/64', '2001:db8::/64'],
    ['::ffff:203.0.113.5/120', '203.0.113.0/24'],
  ])('is %s, whose network is said to be %s', (text, meant) => {
    expect(() => parse(text)).toThrow(`must not have host bits set: ${meant} was probably meant`);
  });

  test('says what would be accepted', () => {
    expect(() => parse('here')).toThrow('203.0.113.5 or 2001:db8::/32');
    expect(() => parse('10.0.0.0/33')).toThrow('from 0 to 32');
    expect(() => parse('::/129')).toThrow('from 0 to 128');
  });
});

describe('contains', () => {
  test.each<[string, string, boolean]>([
    ['203.0.113.0/24', '203.0.113.0', true],
    ['203.0.113.0/24', '203.0.113.255', true],
    ['203.0.113.0/24', '203.0.112.255', false],
    ['203.0.113.0/24', '203.0.114.0', false],
    ['203.0.113.0/24', '::ffff:203.0.113.7', true],
    ['0.0.0.0/0', '198.51.100.1', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '198.51.100.1', false],
    ['::/0', '::ffff:198.51.100.1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['0.0.0.0/0', 'nonsense', false],
    ['0.0.0.0/0', '', false],
  ])('%s of %s: %s', (network, address, expected) => {
    expect(parse(network).contains(address)).toBe(expected);
  });

  test('agrees with the BlockList of Node', () => {
    for (let at = 0; at < 500; at += 1) {
      const prefix = Math.floor(Math.random() * 129);
      const network = Cidr.ofAddress(randomV6(), { v6: prefix });
      if (network?.family !== 6) continue;
      const list = new BlockList();
      list.addSubnet(String(network).split('/')[0] ?? '', prefix, 'ipv6');
      const address = Math.random() < 0.5 ? randomV6() : String(network).split('/')[0];
      expect(network.contains(address ?? '')).toBe(list.check(address ?? '', 'ipv6'));
    }
  });
});

test('two networks overlap when one covers the other', () => {
  const [wide, narrow, beside] = ['10.0.0.0/8', '10.1.0.0/16', '11.0.0.0/8'].map(parse) as [Cidr, Cidr, Cidr];

  expect([wide.covers(narrow), narrow.covers(wide), wide.covers(wide)]).toEqual([true, false, true]);
  expect([wide.overlaps(narrow), narrow.overlaps(wide), wide.overlaps(beside)]).toEqual([true, true, false]);
  expect(parse('0.0.0.0/0').overlaps(parse('::/0'))).toBe(false);
});

test('networks are equal by what they hold, and sort by family, address and size', () => {
  const texts = ['::/0', '10.0.0.0/16', '9.0.0.0/8', '10.0.0.0/8', '2001:db8::/32', '2001:db8::/48'];

  expect(parse('::ffff:10.0.0.1').equals(parse('10.0.0.1/32'))).toBe(true);
  expect(parse('10.0.0.0/8').equals(parse('10.0.0.0/9'))).toBe(false);
  expect(texts.map(parse).sort(Cidr.compare).map(String)).toEqual([
    '9.0.0.0/8',
    '10.0.0.0/8',
    '10.0.0.0/16',
    '::/0',
    '2001:db8::/32',
    '2001:db8::/48',
  ]);
});

test.each<[string, string | null]>([
  ['203.0.113.5', '203.0.113.5/32'],
  ['::ffff:203.0.113.5', '203.0.113.5/32'],
  ['2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['@', null],
])('the block of %s is %s', (address, block) => {
  expect(Cidr.ofAddress(address, { v6: 64 })?.toString() ?? null).toBe(block);
});

function randomV6(): string {
  const group = () => (Math.random() < 0.4 ? '0' : Math.floor(Math.random() * 0x10000).toString(16));
  return Array.from({ length: 8 }, group).join(':');
}
