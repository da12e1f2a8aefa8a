import { describe, expect, it } from 'vitest';
import { ClientAddresses } from './client-address.ts';

const addressOf = (remoteAddress: string, forwarded?: string, trusted: string[] = ['10.0.0.0/8', '::1']): string =>
  new ClientAddresses(trusted).of({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  });

describe('the address of a client', () => {
  it.each([
    ['is that of its socket', '192.0.2.1', undefined, '192.0.2.1'],
    ['is not what it says itself', '192.0.2.1', '198.51.100.1', '192.0.2.1'],
    ['is what a proxy of ours says', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['is what the last of them says', '10.0.0.1', '198.51.100.1, 192.0.2.1', '192.0.2.1'],
    ['is found behind several of them', '10.0.0.1', '198.51.100.1, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['is found behind one on the IPv4 side of a socket', '::ffff:10.0.0.1', '::ffff:192.0.2.1', '192.0.2.1'],
    ['is that of the proxy when it says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['is that of the proxy when it says nonsense', '10.0.0.1', '192.0.2.1, unknown', '10.0.0.1'],
    ['is a network when it is IPv6', '2001:db8:0:1:2:3:4:5', undefined, '2001:db8:0:1::/64'],
    ['is the same network however it is written', '2001:0db8::0001:0002:3:4:5', undefined, '2001:db8:0:1::/64'],
    ['is a network on one link', 'fe80::1%eth0', undefined, 'fe80:0:0:0::/64'],
    ['is found behind an IPv6 proxy', '::1', '2001:db8::1', '2001:db8:0:0::/64'],
  ])('[HUB-06] [SEC-05] %s', (_what, socket, forwarded, expected) => {
    expect(addressOf(socket, forwarded)).toBe(expected);
  });

  it('[HUB-06] needs no socket that is still there', () => {
    expect(new ClientAddresses([]).of({ socket: {}, headers: {} })).toBe('');
  });
});
