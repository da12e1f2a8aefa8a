import { BlockList, isIP, isIPv6 } from 'node:net';

/** The part of an HTTP request that says where it comes from. */
interface Arrival {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: { readonly [name: string]: string | string[] | undefined };
}

/** Finds out who is at the other end, for limits that count by address. */
export class ClientAddresses {
  readonly #proxies = new BlockList();

  /** Addresses and networks in CIDR notation. Throws on anything else. */
  constructor(trustedProxies: readonly string[]) {
    for (const proxy of trustedProxies) {
      const [address = '', prefix] = proxy.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (prefix === undefined) this.#proxies.addAddress(address, family);
      else this.#proxies.addSubnet(address, Number(prefix), family);
    }
  }

  /**
   * The nearest address that is no trusted proxy: X-Forwarded-For is read from its end, where our own proxy wrote, and no
   * further than the first entry that a stranger may have written.
   */
  of({ socket, headers }: Arrival): string {
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    let nearest = unmapped(socket.remoteAddress ?? '');
    while (this.isProxy(nearest)) {
      const before = unmapped((forwarded.pop() ?? '').trim());
      if (isIP(before) === 0) break;
      nearest = before;
    }
    return limitKey(nearest);
  }

  isProxy(address: string): boolean {
    const plain = unmapped(address);
    const family = isIP(plain);
    return family !== 0 && this.#proxies.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** `::ffff:192.0.2.1` is how a socket for both families shows an IPv4 address. */
const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** One subscriber has a whole /64 of IPv6 addresses (RFC 6177): limits count the network. */
function limitKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const front = head.split(':').filter(Boolean);
  const back = tail?.split(':').filter(Boolean) ?? [];
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  const groups = [...front, ...zeros, ...back].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${groups.join(':')}::/64`;
}
