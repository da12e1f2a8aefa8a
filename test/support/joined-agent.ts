import { HubClient, type HubClientOptions } from '../../src/client/hub-client.ts';
import type { HubConnection, HubState, JoinOptions } from '../../src/client/hub-connection.ts';
import { HUB_TEST_SECRET } from './hub.ts';

interface Joined extends AsyncDisposable {
  readonly client: HubClient;
  readonly agent: HubConnection;
  readonly states: HubState[];
  /** The next state of this kind that no call has taken yet. */
  entered<S extends HubState['status']>(status: S): Promise<Extract<HubState, { status: S }>>;
}

/** An agent that tells its states. It comes back at once unless a test says otherwise, and answers `done: …`. */
export function join(options: HubClientOptions, joining: Partial<JoinOptions> = {}): Joined {
  const states: HubState[] = [];
  let taken = 0;
  let more = Promise.withResolvers<void>();
  const client = new HubClient({ random: () => 0, ...options });
  const agent = client.join({
    name: 'worker',
    onTask: ({ message }) => `done: ${message}`,
    ...joining,
    onState: (state) => {
      states.push(state);
      more.resolve();
      more = Promise.withResolvers();
    },
  });
  return {
    client,
    agent,
    states,
    entered: async (status) => {
      const isIt = (state: HubState): state is Extract<HubState, { status: typeof status }> => state.status === status;
      for (;;) {
        const state = states[taken];
        if (!state) await more.promise;
        else {
          taken += 1;
          if (isIt(state)) return state;
        }
      }
    },
    [Symbol.asyncDispose]: () => agent.stop(AbortSignal.abort()),
  };
}

export const atHub = (url: string): HubClientOptions => ({ url, secret: HUB_TEST_SECRET });

/** A task on the wire. */
export const task = (requestId: string, message = 'x') =>
  ({ type: 'task', requestId, message, sender: 'admin' }) as const;
