import { CodedError } from '../lib/errors.ts';

/** What mends it, in general. Codes are stable: programs match on them. */
const HINTS = {
  'invalid-address': 'It is such as http://localhost:8090 or wss://hub.example.org.',
  'bad-request': 'Correct what is sent; the hub says which field is wrong.',
  unauthorized: 'Give the client one of the secrets that the hub has as HUB_SECRET.',
  forbidden: 'Pages of browsers have to be in HUB_ALLOWED_ORIGINS of the hub.',
  'unknown-agent': 'Look at who is connected: agents(). A task that is queued waits for an agent that is away.',
  'unknown-task': 'Look at the id, and at the database of the hub: what was settled long ago has been cleaned up.',
  'id-taken': 'Give the task an id of its own.',
  'too-large': 'Send less, or put it elsewhere and send where it is.',
  'rate-limited': 'Wait as long as retryAfterMs says, and send it again.',
  'no-database': 'Start the hub with --db, or use task().',
  'agent-failed': 'It is the agent that failed, not the hub.',
  timeout: 'The task may still be done. Give it more time, or queue it.',
  unavailable: 'Try again later. What was on its way may have arrived.',
  refused: 'Look at the secret, and whether another agent has this name.',
  full: 'Wait until there is room, or let the hub have more agents: HUB_MAX_AGENTS.',
} as const;

export type HubErrorCode = keyof typeof HINTS;

/** What the hub, or the way to it, has refused. */
export class HubError extends CodedError<HubErrorCode> {
  /** Of HTTP; null when it was not an answer of the hub to a request. */
  readonly status: number | null;
  /** When it is worth trying again; null when the hub did not say. */
  readonly retryAfterMs: number | null;

  constructor(
    code: HubErrorCode,
    message: string,
    {
      status = null,
      retryAfterMs = null,
      cause,
    }: { readonly status?: number | null; readonly retryAfterMs?: number | null; readonly cause?: unknown } = {},
  ) {
    super(code, message, HINTS[code], cause);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}
