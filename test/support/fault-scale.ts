const { PARLEY_FAULTS, PARLEY_FAULTS_SEED } = process.env;
const short = PARLEY_FAULTS === 'short';

/** How much the fault tests do; `PARLEY_FAULTS=short` for every change, the full numbers now and then. */
export const FAULT_SCALE = {
  /** Of the daemon, with SIGKILL. The short run has as many as were asked for at the least. */
  kills: short ? 50 : 200,
  /** Of processes at work on one spool, with SIGKILL. */
  spoolKills: short ? 20 : 200,
  /** Of a relay with clients at work, with SIGKILL. */
  relayKills: short ? 50 : 200,
  /** How long eight processes write to one spool, in seconds. */
  writersSeconds: short ? 3 : 60,
  /** Of the hub, with SIGKILL, while tasks are put into its mailboxes. */
  /** Between two machines, over a hub and a bad network. */
  hubConversations: short ? 4 : 10,
  hubTasks: short ? 5 : 30,
  hubKills: short ? 50 : 200,
  /** At how many boundaries a panel is killed. */
  panelBoundaries: short ? 2 : 6,
  /** Of a process that runs a WhatsApp account, with SIGKILL, in the middle of conversations. */
  whatsAppKills: short ? 10 : 50,
  /** Of an agent on WhatsApp, each at the next of its boundaries. */
  whatsAppBoundaryKills: short ? 6 : 100,
  /** How often a WhatsApp account loses its connection in a day, and how much is said to it between two times. */
  whatsAppRounds: short ? 12 : 500,
  whatsAppMessages: short ? 10 : 20,
  /** How long it is left alone before it is looked at, in seconds: that long, its library waits in vain on connections that were lost. */
  whatsAppQuietSeconds: short ? 0 : 62,
  /** How long each attack on the hub lasts, in seconds. */
  attackSeconds: short ? 2 : 30,
  /** Conversations between two machines over a bad network, each way, and messages in each. */
  conversations: short ? 8 : 20,
  conversationMessages: short ? 10 : 100,
  /** How long the last of them may take, in seconds. */
  drainSeconds: short ? 40 : 600,
  /** Stops by a signal in the middle of a conversation, for each signal. */
  stops: short ? 2 : 10,
  /** How often the disk fills up. */
  fullDisks: short ? 3 : 20,
} as const;

/** Where the kills fall follows from this number, but for the machine's own timing. `PARLEY_FAULTS_SEED` repeats a run. */
export const FAULT_SEED = Number(PARLEY_FAULTS_SEED ?? Date.now() % 1_000_000);
