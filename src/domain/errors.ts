import { CodedError } from '../lib/errors.ts';

interface Entry {
  /** What mends it, in general; a call may say something more exact. */
  readonly hint: string;
  /** Exit code of the command line, from sysexits.h: 64 usage, 65 bad data, 69 unavailable, 73 cannot create, 74 input/output, 75 try again, 78 configuration. */
  readonly exit: number;
}

/** Every error that Parley raises. Codes are stable: programs match on them. */
export const ERRORS = {
  CONFIG_INVALID: { hint: 'Correct the setting and start again.', exit: 78 },
  PORT_IN_USE: { hint: 'Stop the other program, or choose another port with HEALTH_PORT or --port.', exit: 69 },
  DATABASE_READ_ONLY: { hint: 'Give this user write permission on the database file and its folder.', exit: 73 },
  DATABASE_NEWER: { hint: 'Update Parley, or point it at another database.', exit: 78 },
  DATABASE_FOREIGN: { hint: 'Point Parley at a file of its own: AGENT_COMM_DB_PATH, or --db.', exit: 65 },
  DATABASE_CORRUPT: { hint: 'Restore the database from a backup, or point Parley at another file.', exit: 65 },
  DATABASE_FAILED: { hint: 'See the cause; nothing was written.', exit: 74 },
  SQLITE_TOO_OLD: { hint: 'Run npm ci, so that the bundled SQLite is used.', exit: 78 },
  DISK_FULL: { hint: 'Free some space on the disk; nothing was lost, and work goes on by itself.', exit: 74 },
  LEASE_LOST: { hint: 'Somebody else holds or has settled this delivery; drop what you did for it.', exit: 75 },
  MESSAGE_INVALID: { hint: 'Correct the message and send it again.', exit: 65 },
  SPOOL_CLOSED: { hint: 'The spool was closed; open it again.', exit: 69 },
  AGENT_UNKNOWN: { hint: 'Look at the registered agents: !agents, or parley agents.', exit: 65 },
  ENVELOPE_REFUSED: {
    hint: 'Check that both agents have the same SECURITY_AGENT_SECRET and SECURITY_ENCRYPTION_KEY, and that their clocks agree.',
    exit: 65,
  },
  PROVIDERS_DOWN: { hint: 'The message waits and is answered when a provider is back.', exit: 75 },
  PROVIDER_MISCONFIGURED: { hint: 'Check the API key, the model and the base URL of this provider.', exit: 78 },
  MEDIA_UNAVAILABLE: { hint: 'Ask for it to be sent again, smaller if it was too large.', exit: 65 },
  CHANNEL_SEND_FAILED: { hint: 'It is tried again by itself.', exit: 75 },
  CHANNEL_DISCONNECTED: {
    hint: 'See the page /whatsapp, parley doctor and docs/guides/whatsapp.md: link it again, or end what is in its way.',
    exit: 69,
  },
  OUTPUT_FAILED: { hint: 'Free some space, or send the output elsewhere.', exit: 74 },
  USAGE: { hint: 'See parley --help.', exit: 64 },
  DEMO_FAILED: { hint: 'Run it again with LOG_LEVEL=debug to see what happened.', exit: 1 },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof ERRORS;

export class ParleyError extends CodedError<ErrorCode> {
  constructor(code: ErrorCode, message: string, { hint, cause }: { hint?: string; cause?: unknown } = {}) {
    super(code, message, hint ?? ERRORS[code].hint, cause);
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}
