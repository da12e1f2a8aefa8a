/* What `parleyd/client` offers: an Agent Hub and a relay for any program, without the rest of Parley. */

export type { ClientOptions } from './exchange.ts';
export type { HubAgent, HubHealth, HubResult, HubTaskStatus } from './hub-answers.ts';
export {
  type BroadcastOptions,
  HubClient,
  type HubClientOptions,
  type HubRequestOptions,
  type TaskOptions,
} from './hub-client.ts';
export type { HubConnection, HubState, JoinOptions } from './hub-connection.ts';
export { HubError, type HubErrorCode } from './hub-error.ts';
export type { HubEvent, HubTask } from './hub-frames.ts';
export type { OnTask, TaskControl } from './hub-tasks.ts';
export type { RelayDeliveryStatus, RelayedMessage, RelayHealth, RelayMessage, RelayStatus } from './relay-answers.ts';
export {
  type RelayAccount,
  RelayClient,
  type RelayClientOptions,
  type RelayDraft,
  type RelayPoll,
  type RelayProfile,
  type RelayRequestOptions,
} from './relay-client.ts';
export { RelayError } from './relay-error.ts';
export type { MessagesOptions, RelayDelivery } from './relay-messages.ts';
