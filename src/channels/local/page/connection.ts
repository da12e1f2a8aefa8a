import type { LiveEvent, MessageAccepted, PhoneState, Problem } from '../wire.ts';

/** Wait before another try when the browser itself has given up, in milliseconds. */
const RETRY_MS = 2000;

interface ConnectionHandlers {
  /** All that is known, when the page opens and again after every interruption. */
  state(state: PhoneState): void;
  event(event: LiveEvent): void;
  live(live: boolean): void;
}

/** Follows the server for as long as the page is open; comes back by itself. */
export function connect(handlers: ConnectionHandlers): void {
  const source = new EventSource('/api/events');
  // What happens while the state is on its way is kept until it is there.
  let waiting: LiveEvent[] | null = [];
  let over = false;
  const retry = (): void => {
    if (over) return;
    over = true;
    source.close();
    setTimeout(() => connect(handlers), RETRY_MS);
  };
  const catchUp = async (): Promise<void> => {
    const missed: LiveEvent[] = [];
    waiting = missed;
    const state = await fetchState();
    // The stream broke and came back meanwhile: a later call is on its way with a newer state.
    if (waiting !== missed || over) return;
    waiting = null;
    handlers.state(state);
    for (const event of missed) if (event.seq > state.seq) handlers.event(event);
    handlers.live(true);
  };
  source.addEventListener('open', () => void catchUp().catch(retry));
  source.addEventListener('message', ({ data }) => {
    const event: LiveEvent = JSON.parse(data);
    if (waiting) waiting.push(event);
    else handlers.event(event);
  });
  source.addEventListener('error', () => {
    handlers.live(false);
    if (source.readyState === EventSource.CLOSED) retry();
  });
}

async function fetchState(): Promise<PhoneState> {
  const response = await fetch('/api/state');
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return await response.json();
}

interface Draft {
  /** Stays the same when the same draft is sent again: it is accepted once. */
  readonly id: string;
  readonly account: string;
  readonly peer: PhoneState['messages'][number]['peer'];
  readonly text: string;
}

/** Resolves with null once the message is safe; otherwise with what to tell the person. */
export async function post(draft: Draft): Promise<Problem['error'] | null> {
  try {
    const response = await fetch('/api/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(draft),
    });
    const answer: MessageAccepted | Problem = await response.json();
    return 'error' in answer ? answer.error : null;
  } catch {
    return { code: 'OFFLINE', message: 'Parley cannot be reached.', hint: 'The message is still here: send it again.' };
  }
}
