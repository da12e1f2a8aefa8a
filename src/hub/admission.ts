import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AddressAllowance } from '../lib/allowance.ts';
import { ClientAddresses } from './client-address.ts';
import type { HubOptions } from './options.ts';

/** Requests and connections of one address. */
const QUESTIONS = { burst: 200, perSecond: 20 };
/** Wrong secrets from one address; after that it is not even asked for the right one. */
const GUESSES = { burst: 10, perSecond: 1 / 6 };
/** The names by which a machine reaches itself. Any other comes from a page that was rebound to this address. */
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/** Who may come in, by any door. */
export class Admission {
  readonly #options: HubOptions;
  readonly #addresses: ClientAddresses;
  readonly #questions: AddressAllowance;
  readonly #guesses: AddressAllowance;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#addresses = new ClientAddresses(options.trustedProxies);
    this.#questions = new AddressAllowance(QUESTIONS, options.clock);
    this.#guesses = new AddressAllowance(GUESSES, options.clock);
  }

  addressOf(request: IncomingMessage): string {
    return this.#addresses.of(request);
  }

  isProxy(address: string): boolean {
    return this.#addresses.isProxy(address);
  }

  /** Whether a browser's page may use the hub. Programs that are no browser send no Origin. */
  allowsPage({ origin, host }: IncomingHttpHeaders): boolean {
    if (origin !== undefined) return this.#options.allowedOrigins.includes(origin.toLowerCase());
    return !this.#options.secrets.areOff || LOOPBACK_HOST.test(host ?? '');
  }

  /** False when this address asks too much. */
  mayAsk(address: string): boolean {
    return this.#questions.take(address);
  }

  /** Whether too many wrong secrets came from this address. */
  isLockedOut(address: string): boolean {
    return this.#guesses.waitSeconds(address) > 0;
  }

  /** How long an address has to wait that asked too much or guessed, in whole seconds. */
  waitSeconds(address: string): number {
    return Math.max(1, this.#questions.waitSeconds(address), this.#guesses.waitSeconds(address));
  }

  /** Whether the secret is right; a wrong one is remembered. */
  accept(secret: string | undefined, address: string): boolean {
    if (this.isLockedOut(address)) return false;
    const isRight = this.#options.secrets.accept(secret);
    if (!isRight) this.#guesses.take(address);
    return isRight;
  }
}
