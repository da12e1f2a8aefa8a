import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { errorText } from './errors.ts';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';

/** Which addresses may be connected to. `public`: those of the Internet; `loopback`: those of this machine alone. */
export type AllowedAddresses = 'public' | 'loopback' | 'any';

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** Those that this machine knows or asks the DNS for. */
export const systemResolve: Resolve = (host) => lookup(host, { all: true });

/** A host has an address that is not allowed. */
export class BlockedAddress extends Error {}

const ALLOWS: Readonly<Record<AllowedAddresses, (ip: string) => boolean>> = {
  public: isPublicAddress,
  loopback: isLoopbackAddress,
  any: () => true,
};

/** One address that is not allowed is enough: whoever mixes it among others wants it to be used some time. */
export function refuseUnlessAllowed(addresses: readonly string[], allow: AllowedAddresses): void {
  const refused = addresses.find((ip) => !ALLOWS[allow](ip));
  if (refused === undefined) return;
  throw new BlockedAddress(`${refused} is not ${allow === 'public' ? 'a public' : 'a loopback'} address`);
}

/**
 * What a socket asks for the addresses of its host. It connects to what it is told here, so that a name cannot resolve to another
 * address in between. A socket does not ask for what is an address already: that is for `refuseUnlessAllowed`.
 */
export function guardedLookup(resolve: Resolve, allow: AllowedAddresses): LookupFunction {
  const look = async (host: string): Promise<readonly [LookupAddress, ...LookupAddress[]]> => {
    const [first, ...others] = await resolve(host);
    if (!first) throw new Error(`${host} has no address`);
    refuseUnlessAllowed(
      [first, ...others].map(({ address }) => address),
      allow,
    );
    return [first, ...others];
  };
  return (host, { all }, done) => {
    look(host).then(
      (addresses) => (all ? done(null, [...addresses]) : done(null, addresses[0].address, addresses[0].family)),
      (error: unknown) => done(error instanceof Error ? error : new Error(errorText(error)), []),
    );
  };
}
