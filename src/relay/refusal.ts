import { CodedError } from '../lib/errors.ts';

/** Why the relay does not do what a request asks: the HTTP status, and what mends it in general. Codes are stable: clients match on them. */
export const REFUSALS = {
  BAD_REQUEST: { status: 400, hint: 'See the OpenAPI document of the relay: GET /openapi.json.' },
  MESSAGE_INVALID: { status: 400, hint: 'Correct the message and send it again.' },
  UNAUTHENTICATED: {
    status: 401,
    hint: 'Sign with the secret of this agent: parley relay list-secrets shows who has one, parley relay gen-secret makes one.',
  },
  CLOCK_SKEW: { status: 401, hint: 'Set the clock of the client, or that of the relay: both should follow NTP.' },
  NONCE_USED: { status: 401, hint: 'Make a new nonce for each request, and sign again.' },
  FORBIDDEN: { status: 403, hint: 'An agent acts on its own mailbox, and sends as itself.' },
  AGENT_UNKNOWN: { status: 404, hint: 'Register it with the relay, or make a secret for it: parley relay gen-secret.' },
  MESSAGE_UNKNOWN: { status: 404, hint: 'Look at the id. What was settled long ago has been cleaned up.' },
  NOT_FOUND: { status: 404, hint: 'See the OpenAPI document of the relay: GET /openapi.json.' },
  LEASE_LOST: { status: 409, hint: 'Poll again. If somebody else has it now, drop what you did for it.' },
  ID_TAKEN: { status: 409, hint: 'Give the message an id of its own.' },
  TOO_LARGE: { status: 413, hint: 'Send less, or put it elsewhere and send where it is.' },
  RATE_LIMITED: { status: 429, hint: 'Wait as long as Retry-After says.' },
  INTERNAL: { status: 500, hint: 'See the log of the relay.' },
  UNAVAILABLE: { status: 503, hint: 'Nothing was changed. Try again later, with a new nonce.' },
} as const satisfies Record<string, { status: number; hint: string }>;

type RefusalCode = keyof typeof REFUSALS;

export class Refusal extends CodedError<RefusalCode> {
  constructor(code: RefusalCode, message: string) {
    super(code, message, REFUSALS[code].hint);
  }

  get status(): number {
    return REFUSALS[this.code].status;
  }
}
