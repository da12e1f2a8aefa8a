import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressIn, isLoopbackAddress, isPublicAddress } from './public-address.ts';

/** The networks of the IANA registry of special-purpose IPv4 addresses, and multicast. */
const SPECIAL_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
const special = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix);

const octets = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const dotted = (value: number): string => octets(value).join('.');
const groups = (value: number): string => `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
const numberOf = (ip: string): number => ip.split('.').reduce((value, part) => value * 256 + Number(part), 0);

/** Any IPv4 address, half of them in a special network or just beside one. */
const ipv4 = fc.oneof(
  fc.nat(2 ** 32 - 1),
  fc
    .tuple(fc.constantFrom(...SPECIAL_IPV4), fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(-1, 0, 1))
    .map(([[network, prefix], within, beside]) => {
      const size = 2 ** (32 - prefix);
      return (numberOf(network) + Math.floor(within * (size - 1)) + beside * size + 2 ** 32) % 2 ** 32;
    }),
);

describe('a public address', () => {
  it('[SEC-05] is an IPv4 address of no special network', () => {
    fc.assert(
      fc.property(ipv4, (value) => {
        expect(isPublicAddress(dotted(value))).toBe(!special.check(dotted(value)));
      }),
      { numRuns: 2000 },
    );
  });

  it('[SEC-05] stays what it is in an IPv6 address that leads to it', () => {
    fc.assert(
      fc.property(ipv4, (value) => {
        const expected = isPublicAddress(dotted(value));
        for (const prefix of ['::ffff:', '64:ff9b::']) {
          expect(isPublicAddress(prefix + dotted(value))).toBe(expected);
          expect(isPublicAddress(prefix + groups(value))).toBe(expected);
        }
      }),
    );
  });

  it('[SEC-05] is none in a tunnel, nor in the forms that nothing routes', () => {
    fc.assert(
      fc.property(ipv4, (value) => {
        const embedded = groups(value);
        for (const ip of [`2002:${embedded}::1`, `2001:0:${embedded}::1`, `::${embedded}`, `64:ff9b:1::${embedded}`]) {
          expect(isPublicAddress(ip)).toBe(false);
        }
      }),
    );
  });

  it.each(['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.32.0.1', '2606:4700::1111', '2a00:1450::8a'])(
    '[SEC-05] %s',
    (ip) => expect(isPublicAddress(ip)).toBe(true),
  );

  it.each([
    '::',
    '::1',
    'fe80::1',
    'fe80::1%1',
    '2606:4700::1111%1',
    'fc00::1',
    'fd00::1',
    'fec0::1',
    'ff02::1',
    '100::1',
    '2001:db8::1',
    '3fff::1',
    '5f00::1',
    '4000::1',
    '127.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    'localhost',
    'example.org',
    '[2606:4700::1111]',
    ' 1.1.1.1',
    '',
  ])('[SEC-05] is not %j', (ip) => expect(isPublicAddress(ip)).toBe(false));

  it('[SEC-05] whatever it is asked, it says yes or no', () => {
    const zoned = fc.tuple(fc.ipV6(), fc.stringMatching(/^[\w.:-]{1,8}$/)).map(([ip, zone]) => `${ip}%${zone}`);
    const anything = fc.oneof(fc.string(), fc.ipV6(), zoned, fc.ipV4Extended(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(anything, (text) => {
        expect(isPublicAddress(text)).toBeTypeOf('boolean');
      }),
    );
  });
});

describe('an address in a URL', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['0177.0.0.01', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['１２７.０.０.１', '127.0.0.1'],
    ['0', '0.0.0.0'],
    ['169.254.169.254', '169.254.169.254'],
    ['0xa9fea9fe', '169.254.169.254'],
    ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
    ['[0:0:0:0:0:ffff:10.0.0.1]', '::ffff:a00:1'],
    ['[fd00::1]', 'fd00::1'],
    ['100.64.0.1', '100.64.0.1'],
  ])('[SEC-05] is seen in whatever spelling, and not public: %s', (host, expected) => {
    const address = addressIn(new URL(`http://${host}:8080/`));
    expect(address).toBe(expected);
    expect(isPublicAddress(address ?? '')).toBe(false);
  });

  it.each(['localhost.', 'localhost', 'example.org', '127.0.0.1.example.org'])('[SEC-05] is not in %s', (host) => {
    expect(addressIn(new URL(`http://${host}/`))).toBeNull();
  });
});

describe('an address of this machine alone', () => {
  it.each(['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])('[SEC-05] %s', (ip) => {
    expect(isLoopbackAddress(ip)).toBe(true);
  });

  it.each(['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', '1.1.1.1', 'fe80::1', 'localhost', ''])(
    '[SEC-05] is not %j',
    (ip) => expect(isLoopbackAddress(ip)).toBe(false),
  );
});
