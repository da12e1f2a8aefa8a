import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Parsed = ReturnType<typeof ipaddr.parse>;

/** The unicast part of IPv6 that is given out at all (RFC 4291, and the IANA registry of the IPv6 address space). */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** Where the well-known prefix of NAT64 puts an IPv4 address (RFC 6052): every host has one of these on a network without IPv4. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/**
 * Whether anybody on the Internet may have this IP address, as the resolver and `URL` write it. Everything special is not public:
 * private and shared networks, loopback, link-local, multicast, documentation, tunnels (6to4, Teredo), and whatever is no address.
 */
export function isPublicAddress(ip: string): boolean {
  const address = parse(ip);
  if (address === null || address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv4 || (address.zoneId === undefined && address.match(GLOBAL_IPV6));
}

/** Whether the IP address is one of this machine alone: 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(ip: string): boolean {
  return parse(ip)?.range() === 'loopback';
}

/** The IP address that a URL names in the place of a host name; null when it has a name. `URL` has already normalised it. */
export function addressIn({ hostname }: URL): string | null {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? null : host;
}

/** An IPv4 address within an IPv6 one is taken out: it is where a connection goes. */
function parse(ip: string): Parsed | null {
  // The library also takes 127.1 and the like, and does not take every zone (fe80::1%eth-0).
  if (isIP(ip) === 0 || !ipaddr.isValid(ip)) return null;
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4 || !address.match(NAT64)) return address;
  return new ipaddr.IPv4(address.toByteArray().slice(-4));
}
