import type { ChatIn } from '../domain/chat.ts';
import type { Clock } from '../lib/clock.ts';
import { normaliseIdentity } from './identity.ts';
import { type RateLimit, RateLimiter } from './rate-limiter.ts';

export interface GatePolicy {
  /** The people who may speak, in any spelling that `normaliseIdentity` understands; null: everybody. */
  readonly allowlist: readonly string[] | null;
  /** People and agents who may not, whoever else they are: it comes before everything, for admins too. */
  readonly blocklist: readonly string[];
  /** Per person; null: no limit. */
  readonly rateLimit: RateLimit | null;
  /**
   * Per person who is on no list, beside `rateLimit`; null: no limit. Who is not known may be a program that answers whatever it hears, as an
   * agent does: past this limit neither hears anything, and it is over.
   */
  readonly unlistedRateLimit: RateLimit | null;
  /** Who else is known to be a person, besides those on the allowlist. */
  readonly listed: readonly string[];
  /** Per agent; null: no limit. */
  readonly agentRateLimit: RateLimit | null;
  /** A person's longest message, in UTF-16 code units: what `length` of a string counts. */
  readonly maxLength: number;
  /** An agent's, likewise: a model writes more than a person, and an answer that is refused for its length is work lost. */
  readonly agentMaxLength: number;
}

/** 20 messages a minute, as the guides have it. */
export const DEFAULT_RATE_LIMIT: RateLimit = { max: 20, windowMs: 60_000 };
/** 60 messages an hour: two programs that answer each other say more than that, and few people do. */
export const DEFAULT_UNLISTED_RATE_LIMIT: RateLimit = { max: 60, windowMs: 3_600_000 };
/** Agents talk faster than people, and a group discussion comes in bursts. */
export const DEFAULT_AGENT_RATE_LIMIT: RateLimit = { max: 240, windowMs: 60_000 };
/** In UTF-16 code units, as the guides have it. */
export const DEFAULT_MAX_LENGTH = 10_000;
/** In UTF-16 code units; an envelope carries four times as many bytes. */
export const DEFAULT_AGENT_MAX_LENGTH = 64_000;

/** An envelope has at most 256 KiB; in UTF-16 code units that is never more. */
const LONGEST_ENVELOPE = 256 * 1024;

/** Who hears that a message was refused. */
export type Notify = 'nobody' | 'owner' | 'sender' | 'both';

/** Whether a message comes in, and who is to be told when it does not. */
export type Verdict =
  | { readonly allow: true }
  | {
      readonly allow: false;
      readonly reason: 'blocked' | 'not-allowed' | 'rate-limited' | 'too-many' | 'too-long';
      readonly notify: Notify;
    };

/** How many senders a gate remembers at most, for its limits and for its notices to the owner. */
const MAX_SENDERS = 10_000;

const ALLOW: Verdict = { allow: true };

/**
 * Who may speak. Every message goes through it before anything else looks at it, commands included. What one sender does
 * never changes the verdict on another.
 */
export class Gate {
  readonly #allowed: ReadonlySet<string> | null;
  readonly #blocked: ReadonlySet<string>;
  readonly #people: RateLimiter | null;
  readonly #listed: ReadonlySet<string>;
  readonly #unlisted: RateLimiter | null;
  readonly #agents: RateLimiter | null;
  readonly #maxLength: number;
  readonly #agentMaxLength: number;
  /** Strangers of whom the owner has heard, oldest first. */
  readonly #strangers = new Set<string>();

  constructor(policy: GatePolicy, clock: Clock) {
    this.#allowed = policy.allowlist && new Set(policy.allowlist.map(normaliseIdentity));
    this.#blocked = new Set(policy.blocklist.map(normaliseIdentity));
    this.#people = policy.rateLimit && new RateLimiter(policy.rateLimit, clock, MAX_SENDERS);
    this.#listed = new Set([...(policy.allowlist ?? []), ...policy.listed].map(normaliseIdentity));
    this.#unlisted = policy.unlistedRateLimit && new RateLimiter(policy.unlistedRateLimit, clock, MAX_SENDERS);
    this.#agents = policy.agentRateLimit && new RateLimiter(policy.agentRateLimit, clock, MAX_SENDERS);
    this.#maxLength = policy.maxLength;
    this.#agentMaxLength = policy.agentMaxLength;
  }

  /** For what a person says in a chat. */
  check(chat: ChatIn): Verdict {
    const identity = normaliseIdentity(chat.sender.id);
    const known = [identity, ...(chat.sender.aliases ?? []).map(normaliseIdentity)];
    if (known.some((one) => this.#blocked.has(one))) return { allow: false, reason: 'blocked', notify: 'nobody' };
    const sender = JSON.stringify([chat.channel, identity]);
    if (this.#allowed && !known.some((one) => this.#allowed?.has(one))) return this.#refuseStranger(sender);
    const admission = this.#people?.admit(sender) ?? 'admitted';
    if (admission !== 'admitted') {
      return { allow: false, reason: 'rate-limited', notify: admission === 'refused' ? 'sender' : 'nobody' };
    }
    const lasting = known.some((one) => this.#listed.has(one)) ? 'admitted' : this.#unlisted?.admit(sender);
    if (lasting !== undefined && lasting !== 'admitted') {
      return { allow: false, reason: 'too-many', notify: lasting === 'refused' ? 'both' : 'nobody' };
    }
    return checkLength(chat.text.length, this.#maxLength);
  }

  /**
   * For what a verified agent says, or somebody whom a hub has let in; `size` in UTF-16 code units. The shared secret is what lets an agent in: the allowlist is
   * for people. An agent over its limit is not told, since being told is a message too and two agents could go on for ever.
   */
  checkAgent(sender: string, size: number): Verdict {
    if (this.#blocked.has(normaliseIdentity(sender))) return { allow: false, reason: 'blocked', notify: 'nobody' };
    const admission = this.#agents?.admit(sender) ?? 'admitted';
    if (admission !== 'admitted') return { allow: false, reason: 'rate-limited', notify: 'nobody' };
    return checkLength(size, this.#agentMaxLength);
  }

  /**
   * For an envelope that came in a chat, before it is known whether it is genuine. The allowlist is for people: which agents may speak is for the
   * secret that they share. The number that it came from counts against the limits of agents.
   */
  checkCarrier({ channel, sender, text }: ChatIn): Verdict {
    const ids = [sender.id, ...(sender.aliases ?? [])].map(normaliseIdentity);
    if (ids.some((id) => this.#blocked.has(id))) return { allow: false, reason: 'blocked', notify: 'nobody' };
    const admission = this.#agents?.admit(JSON.stringify([channel, ids[0]])) ?? 'admitted';
    if (admission !== 'admitted') return { allow: false, reason: 'rate-limited', notify: 'nobody' };
    return text.length <= LONGEST_ENVELOPE ? ALLOW : { allow: false, reason: 'too-long', notify: 'nobody' };
  }

  /** Silent towards the stranger; the owner hears of each one once. */
  #refuseStranger(sender: string): Verdict {
    if (this.#strangers.has(sender)) return { allow: false, reason: 'not-allowed', notify: 'nobody' };
    this.#strangers.add(sender);
    for (const oldest of this.#strangers) {
      if (this.#strangers.size <= MAX_SENDERS) break;
      this.#strangers.delete(oldest);
    }
    return { allow: false, reason: 'not-allowed', notify: 'owner' };
  }
}

const checkLength = (length: number, longest: number): Verdict =>
  length <= longest ? ALLOW : { allow: false, reason: 'too-long', notify: 'sender' };
