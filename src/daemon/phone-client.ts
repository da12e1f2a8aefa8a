import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import type { LiveEvent, PhoneState, Typing } from '../channels/local/wire.ts';
import type { Peer } from '../domain/chat.ts';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';

const problemSchema = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) });

/** How long a Parley that is running may take to answer, in milliseconds. */
const PATIENCE_MS = 5_000;

/** The local chat of a running Parley, over the same API that its page uses. */
export class PhoneClient {
  readonly url: string;

  /** `url` as `parley start` prints it. */
  constructor(url: string) {
    this.url = url;
  }

  /** What there is to see; null when nothing is running there. Rejects with PORT_IN_USE when it is not a Parley. */
  async state(): Promise<PhoneState | null> {
    let response: Response;
    try {
      response = await fetch(new URL('/api/state', this.url), { signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch {
      return null;
    }
    try {
      const state = (await response.json()) as PhoneState;
      if (response.ok && Array.isArray(state.contacts)) return state;
    } catch {
      // Not JSON: not ours.
    }
    throw new ParleyError('PORT_IN_USE', `What answers at ${this.url} is not a Parley with a local chat.`);
  }

  /** Resolves when the message is durable. Rejects with MESSAGE_INVALID, saying why, when it was not taken. */
  async say(to: Typing, text: string): Promise<void> {
    const body: { account: string; peer: Peer; text: string } = { account: to.account, peer: to.peer, text };
    const response = await fetch(new URL('/api/messages', this.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.ok) return;
    const problem = problemSchema.safeParse(await response.json().catch(() => null));
    if (!problem.success)
      throw new ParleyError('MESSAGE_INVALID', `The message was not taken: HTTP ${response.status}.`);
    const { message, hint } = problem.data.error;
    throw new ParleyError('MESSAGE_INVALID', message, { hint });
  }

  /** Everything that happens from now on, until the signal aborts or Parley stops. */
  async *events(signal: AbortSignal): AsyncGenerator<LiveEvent> {
    try {
      const response = await fetch(new URL('/api/events', this.url), { signal });
      if (!response.body) return;
      const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      for await (const { data } of events) if (data !== '') yield JSON.parse(data) as LiveEvent;
    } catch (error) {
      if (!signal.aborted)
        throw new ParleyError('SPOOL_CLOSED', `The connection to ${this.url} ended: ${errorText(error)}`, {
          hint: 'Start Parley again: parley start.',
        });
    }
  }
}
