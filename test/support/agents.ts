import { asSchema } from 'ai';
import { Agent } from '../../src/agents/agent.ts';
import { commandOfReaction } from '../../src/agents/approval-choices.ts';
import { approversAmong } from '../../src/agents/approvers.ts';
import { chatCommand } from '../../src/agents/commands.ts';
import type { AgentContext } from '../../src/agents/context.ts';
import { overhear } from '../../src/agents/overheard.ts';
import { attentionOf } from '../../src/daemon/whatsapp.ts';
import { deadLetterNotice } from '../../src/delivery/dead-letter-notice.ts';
import { type InboundOptions, inbound } from '../../src/delivery/inbound.ts';
import { outbox } from '../../src/delivery/outbox.ts';
import { type RouteOptions, routeByAccount, routeByRules } from '../../src/delivery/router.ts';
import { type Handler, Worker } from '../../src/delivery/worker.ts';
import {
  type Address,
  accountAddress,
  agentAddress,
  agentId,
  conversationId,
  messageId,
} from '../../src/domain/addresses.ts';
import { type AgentCard, READS_ENVELOPES } from '../../src/domain/agent-card.ts';
import type { ChatIn, ChatOut, Peer } from '../../src/domain/chat.ts';
import type { Message, NewMessage } from '../../src/domain/message.ts';
import type { RoutingRules } from '../../src/domain/routing.ts';
import { type Budget, DEFAULT_BUDGET, startTrace } from '../../src/domain/trace.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { err, ok } from '../../src/lib/result.ts';
import { Semaphore } from '../../src/lib/semaphore.ts';
import { ENVELOPE } from '../../src/protocol/ai-comms-1.0.ts';
import { type EnvelopeDraft, writeEnvelope } from '../../src/protocol/envelope.ts';
import { deriveKeys, type EnvelopeKeys } from '../../src/protocol/keys.ts';
import type { ChainFailure } from '../../src/providers/chain.ts';
import type { ModelRequest } from '../../src/providers/model-call.ts';
import { SqliteRegistry } from '../../src/registry/sqlite-registry.ts';
import { Gate, type GatePolicy } from '../../src/security/gate.ts';
import { DEAD_LETTERS } from '../../src/spool/dead-letter.ts';
import type { Database } from '../../src/spool/sqlite/database.ts';
import type { SqliteSpool } from '../../src/spool/sqlite/sqlite-spool.ts';
import { SqliteApprovals } from '../../src/store/approvals.ts';
import { SqliteAuditLog } from '../../src/store/audit-log.ts';
import { SqliteDiscussions, SqliteGroups } from '../../src/store/groups.ts';
import { SqliteSeenEnvelopes } from '../../src/store/seen-envelopes.ts';
import { SqliteSessions } from '../../src/store/sessions.ts';
import { SqliteTeams } from '../../src/store/teams.ts';
import { mailbox, openSpoolAt, temporaryFolder } from './spool.ts';

/** One request to an agent's model, as its script sees it. */
export interface Turn {
  readonly agent: string;
  readonly system: string;
  /** The text of every message, the last of which is what the turn is about. */
  readonly messages: readonly string[];
  readonly prompt: string;
  readonly tools: readonly string[];
  /** Calls a tool as the AI SDK would: with its input checked. */
  use(tool: string, input: object): Promise<unknown>;
}

/** What the model of an agent does with a turn: it answers, or its chain fails. */
export type Script = (turn: Turn) => string | ChainFailure | Promise<string | ChainFailure>;

export const DOWN: ChainFailure = { kind: 'down', retryAfterMs: 5_000, tried: [] };

export interface WorldOptions {
  /** By name; the id is the name in lower case. */
  readonly agents: Readonly<Record<string, Script>>;
  /** A chain of one's own for an agent, instead of its script. */
  readonly chains?: Readonly<Record<string, AgentContext['chain']>>;
  readonly cards?: Readonly<Record<string, Partial<AgentCard>>>;
  /** Agents whose mailboxes nobody serves: they never answer. */
  readonly away?: readonly string[];
  readonly admins?: readonly string[];
  readonly keys?: EnvelopeKeys;
  readonly budget?: Budget;
  readonly discussion?: AgentContext['discussion'];
  /** How many deliveries each of them handles at a time; default 4. */
  readonly concurrency?: number;
  /** And all of them together; default: any number. */
  readonly maxConcurrentTurns?: number;
  readonly groupChats?: boolean;
  /** Of every agent; default: as if nobody had said anything about it. */
  readonly toolPolicy?: Partial<AgentContext['toolPolicy']>;
  /** Of every agent; default: APPROVAL_TIMEOUT_MS. */
  readonly approvalTimeoutMs?: number;
  readonly extraTools?: AgentContext['extraTools'];
  /** Of every agent; default: none can. */
  readonly fileSending?: AgentContext['fileSending'];
  /** What is for the agents. Default: all is to be answered. */
  readonly attention?: InboundOptions['attention'];
  /** Who of those who speak in a chat is an agent. */
  readonly speakingAgent?: InboundOptions['speakingAgent'];
  /** In groups; default: all is for them. */
  readonly activation?: RouteOptions['activation'];
  /** By id. */
  readonly mentionPatterns?: Readonly<Record<string, readonly string[]>>;
  /** Default: everybody has the account of their name. */
  readonly routing?: RoutingRules;
  /** Whether agents elsewhere can be written to over the channel. */
  readonly carriesEnvelopes?: boolean;
  /** How long an answer waits for what else is said; default: it does not. */
  readonly debounceMs?: number;
  /** Peers to whom the channel says nothing. */
  readonly unreachable?: readonly string[];
  readonly gate?: Partial<GatePolicy>;
  readonly folder?: ReturnType<typeof temporaryFolder>;
  readonly clock?: ManualClock;
}

/** Something that was said to people. */
export interface Said extends ChatOut {
  readonly id: string;
  readonly account: string;
}

export interface Saying extends Pick<ChatIn, 'quoted' | 'mentions'> {
  readonly id?: string;
  readonly addressed?: boolean;
  readonly sender?: string;
  readonly peer?: Peer;
}

/** Agents on a real database, with scripted models and a clock that stands still; a person talks to them on a fake channel. */
export interface World {
  readonly clock: ManualClock;
  readonly db: Database;
  readonly spool: SqliteSpool;
  readonly registry: SqliteRegistry;
  readonly audit: SqliteAuditLog;
  readonly sessions: SqliteSessions;
  readonly groups: SqliteGroups;
  readonly seen: SqliteSeenEnvelopes;
  readonly approvals: SqliteApprovals;
  readonly keys: EnvelopeKeys;
  readonly said: readonly Said[];
  /** Every request to a model, in order. */
  readonly turns: readonly Turn[];
  /** What a person says to an agent; resolves with what became of it on the way in. */
  say(agent: string, text: string, saying?: Saying): Promise<'accepted' | 'duplicate' | 'refused'>;
  /** A person puts an emoji to what an agent has said; resolves with what became of it on the way in. */
  react(agent: string, emoji: string, to: string, saying?: Saying): Promise<'accepted' | 'duplicate' | 'refused'>;
  /** Says it and waits for all that follows from it. */
  tell(agent: string, text: string, saying?: Saying): Promise<void>;
  /** Puts an envelope into a mailbox, as somebody who holds the keys could; returns the message. */
  post(from: string, to: string, envelope: Partial<EnvelopeDraft>, changes?: Posted): Promise<NewMessage>;
  /** Resolves when nothing moves any more: everything is settled or waits for its time. */
  idle(): Promise<void>;
  /** Looks again after every transaction until it holds. */
  until(condition: () => boolean): Promise<void>;
  /** Lets time pass, and waits for all that comes of it. */
  pass(ms: number): Promise<void>;
  /** The texts that were said in the direct chat with the person. */
  heard(): readonly string[];
  /** Every message in the spool, in the order of acceptance. */
  messages(): readonly Message[];
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What is not as an honest sender has it. */
export interface Posted {
  readonly keys?: EnvelopeKeys;
  readonly message?: Partial<NewMessage>;
  /** Changes the text on the way. */
  readonly tamper?: (text: string) => string;
}

const CHANNEL = 'test';
export const PERSON = 'person';
const LEASE_MS = 60_000;
export const APPROVAL_TIMEOUT_MS = 3_600_000;
/** How long a test may look, in real time, before it fails instead of hanging. */
const PATIENCE_MS = 10_000;

export const idOf = (name: string): ReturnType<typeof agentId> => agentId(name.toLowerCase());

/** What a script answers to prompts: the first entry whose key the prompt contains; NO_REPLY when none does. */
export function script(answers: Readonly<Record<string, Script | string>>): Script {
  return (turn) => {
    const [, answer = 'NO_REPLY'] = Object.entries(answers).find(([key]) => turn.prompt.includes(key)) ?? [];
    return typeof answer === 'string' ? answer : answer(turn);
  };
}

export async function openWorld(options: WorldOptions): Promise<World> {
  const { agents, clock = new ManualClock(), folder = temporaryFolder(), away = [] } = options;
  const { db, spool } = openSpoolAt(`${folder.path}/coordination.db`, clock);
  const registry = new SqliteRegistry(db, { clock });
  const audit = new SqliteAuditLog(db, { clock });
  const sessions = new SqliteSessions(db);
  const groups = new SqliteGroups(db);
  const seen = new SqliteSeenEnvelopes(db);
  const approvals = new SqliteApprovals(db, { clock });
  const keys = options.keys ?? deriveKeys({ agentSecret: 'test secret', encryptionKey: 'test key' });
  const gate = new Gate(
    {
      allowlist: null,
      blocklist: [],
      rateLimit: null,
      unlistedRateLimit: null,
      listed: [],
      agentRateLimit: null,
      maxLength: 10_000,
      agentMaxLength: 64_000,
      ...options.gate,
    },
    clock,
  );
  const budget = options.budget ?? DEFAULT_BUDGET;
  const said: Said[] = [];
  const turns: Turn[] = [];
  const workers: Worker[] = [];
  const served: Address[] = [];
  const serve = (address: Address, handle: Handler, concurrency: number): void => {
    served.push(address);
    workers.push(
      new Worker({ spool, mailbox: address, handle, concurrency, leaseMs: LEASE_MS, logger: silentLogger, clock }),
    );
  };

  const names = Object.keys(agents);
  for (const name of names) await registry.register(cardOf(name, options.cards?.[name]));
  const shared: Omit<AgentContext, 'card' | 'persona' | 'chain'> = {
    directory: registry,
    sessions,
    groups,
    discussions: new SqliteDiscussions(db),
    message: (id) => spool.message(id),
    status: (id) => spool.status(id),
    behind: (id, to) => spool.behind(id, to),
    debounceMs: () => options.debounceMs ?? 0,
    filesOf: async () => [],
    carriesEnvelopes: () => options.carriesEnvelopes ?? false,
    audit,
    gate,
    keys,
    requireAuth: keys.signing !== null,
    maxMessageAgeMs: 300_000,
    seen,
    budget,
    discussion: options.discussion ?? { rounds: 2, roundTimeoutMs: 120_000 },
    isAdmin: (chat) => (options.admins ?? []).includes(chat.sender.id),
    teams: new SqliteTeams(db, { clock }),
    taskTimeoutMs: 600_000,
    links: () => [],
    extraTools: options.extraTools ?? (() => ({})),
    fileSending: options.fileSending ?? (() => null),
    toolPolicy: { allow: null, deny: [], approve: [], ...options.toolPolicy },
    approvals,
    approvers: approversAmong(new Set(options.admins)),
    approvalTimeoutMs: options.approvalTimeoutMs ?? APPROVAL_TIMEOUT_MS,
    hasGroupChats: () => options.groupChats ?? true,
    watch: { opened: () => undefined, thinking: () => undefined },
    clock,
    logger: silentLogger,
  };
  const slots = new Semaphore(options.maxConcurrentTurns ?? Number.POSITIVE_INFINITY);
  for (const [name, answer] of Object.entries(agents)) {
    const chain = options.chains?.[name] ?? scriptedChain(name, answer, turns);
    const agent = new Agent({ ...shared, card: cardOf(name, options.cards?.[name]), persona: 'A test.', chain });
    const handle: Handler = (delivery, signal) => slots.run(() => agent.handle(delivery, signal), signal);
    if (!away.includes(name)) serve(agentAddress(agent.id), handle, options.concurrency ?? 4);
    const account = agent.id;
    serve(
      accountAddress(CHANNEL, account),
      outbox(account, async ({ id, chat }) => {
        if (options.unreachable?.includes(chat.peer.id)) return { kind: 'refused', reason: 'nobody is there' };
        said.push({ id, account, ...chat });
        return { kind: 'sent' };
      }),
      1,
    );
  }
  serve(
    DEAD_LETTERS,
    deadLetterNotice({ find: (id) => spool.message(id), nameOf: (to) => to, ownerOn: () => 'owner' }),
    1,
  );
  const accounts = new Map(names.map((name) => [idOf(name), idOf(name)]));
  const routeOptions: RouteOptions = {
    nameOf: (id) => registry.get(id)?.name ?? id,
    sameId: (a, b) => a === b,
    isMentioned: (id, text) => (options.mentionPatterns?.[id] ?? []).some((pattern) => new RegExp(pattern).test(text)),
    activation: options.activation ?? 'always',
  };
  const route = options.routing
    ? routeByRules(options.routing, accounts, routeOptions)
    : routeByAccount(accounts, routeOptions);
  const attention = options.attention ?? (options.activation && attentionOf({ groups: 'all' }, route));
  const receive = inbound({
    spool,
    route,
    check: (chat) => gate.check(chat),
    ...(options.speakingAgent && { speakingAgent: options.speakingAgent }),
    isCommand: (text) => chatCommand(text) !== null,
    saidByReaction: (reaction) => commandOfReaction(approvals, reaction),
    audit,
    budget,
    ttlMs: 24 * 60 * 60 * 1000,
    nameOf: (id) => registry.get(id)?.name ?? id,
    owner: 'owner',
    ...(attention && {
      attention,
      overheard: async (chat, id) => void (await db.write(overhear(sessions, chat, id, clock.now()))),
    }),
    ...(options.debounceMs !== undefined && { answerAt: () => clock.now() + (options.debounceMs ?? 0) }),
  });

  let stopped = false;
  const stop = async (): Promise<void> => {
    stopped = true;
    await Promise.all(workers.map((worker) => worker.stop(AbortSignal.abort())));
    await spool.close();
    await db.close();
  };
  const isBusy = (): boolean =>
    db
      .prepare(
        `SELECT 1 FROM delivery WHERE recipient IN (SELECT value FROM json_each(?))
         AND (state IN (0, 4) OR (state IN (2, 3) AND due_at <= ?)) LIMIT 1`,
      )
      .get(JSON.stringify(served), clock.now()) !== undefined;
  let sayings = 0;
  const receiveFrom = (agent: string, said: Pick<ChatIn, 'text' | 'reaction'>, saying: Saying = {}) => {
    const { id = `say-${++sayings}`, sender = PERSON, peer, addressed, quoted, mentions } = saying;
    const place = { channel: CHANNEL, account: idOf(agent), peer: peer ?? { kind: 'dm', id: sender } } as const;
    const spokenTo = addressed === undefined ? {} : { addressed };
    const answering = { ...(quoted && { quoted }), ...(mentions && { mentions }) };
    return receive({ id, chat: { ...place, ...spokenTo, ...answering, sender: { id: sender }, ...said } });
  };

  const world: World = {
    ...{ clock, db, spool, registry, audit, sessions, groups, seen, approvals, keys, said, turns, stop },
    say: (agent, text, saying) => receiveFrom(agent, { text }, saying),
    react: (agent, emoji, to, saying) => receiveFrom(agent, { text: '', reaction: { emoji, to } }, saying),
    async tell(agent, text, saying) {
      await world.say(agent, text, saying);
      await world.idle();
    },
    async post(from, to, envelope, { keys: other = keys, message = {}, tamper = (text: string) => text } = {}) {
      const id = messageId(newId('post', clock.now()));
      const draft: EnvelopeDraft = {
        id,
        from: { agentId: idOf(from), agentName: from },
        to: { agentId: idOf(to), agentName: to },
        intent: 'chat',
        payload: 'Hello.',
        conversationId: conversationId('conv-test'),
        sentAt: clock.now(),
        trace: startTrace(id, idOf(from)),
        ...envelope,
      };
      const posted: NewMessage = {
        id,
        from: agentAddress(idOf(from)),
        deliveries: [{ to: agentAddress(idOf(to)) }],
        conversation: draft.conversationId,
        subject: draft.intent,
        body: tamper(writeEnvelope(draft, other)),
        payload: { type: ENVELOPE, data: { to: [idOf(to)] } },
        trace: draft.trace ?? startTrace(id, null),
        ...message,
      };
      await spool.send([posted]);
      await world.idle();
      return posted;
    },
    idle: () => world.until(() => !isBusy()),
    // Every look is a transaction, so whatever was begun before it is committed.
    async until(condition) {
      const giveUpAt = performance.now() + PATIENCE_MS;
      do {
        if (stopped) throw new Error('the world was stopped');
        if (performance.now() > giveUpAt) throw new Error('it never came about');
        await spool.claim(mailbox('nobody'));
      } while (!condition());
    },
    async pass(ms) {
      clock.advance(ms);
      await world.idle();
    },
    heard: () => said.filter(({ peer }) => peer.kind === 'dm').map(({ text }) => text),
    messages: () =>
      db
        .prepare<{ id: string }>('SELECT id FROM message ORDER BY seq')
        .all()
        .flatMap(({ id }) => spool.message(messageId(id)) ?? []),
    async [Symbol.asyncDispose]() {
      await stop();
      if (!options.folder) folder.remove();
    },
  };
  return world;
}

function cardOf(name: string, changes: Partial<AgentCard> = {}): AgentCard {
  return {
    id: idOf(name),
    name,
    capabilities: [],
    device: 'test',
    transport: 'sqlite',
    phone: null,
    provider: 'demo',
    metadata: READS_ENVELOPES,
    ...changes,
  };
}

function scriptedChain(agent: string, answer: Script, turns: Turn[]): AgentContext['chain'] {
  return {
    state: () => [],
    async generate(request, signal) {
      const turn = turnOf(agent, request());
      turns.push(turn);
      const aborted = new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      aborted.catch(() => undefined);
      const answered = await Promise.race([answer(turn), aborted]);
      if (typeof answered !== 'string') return err(answered);
      const usage = { inputTokens: 10, outputTokens: 10 };
      return ok({ text: answered, usage, provider: 'demo', modelId: 'scripted', failedOver: [] });
    },
  };
}

function turnOf(agent: string, { system, messages, tools }: ModelRequest): Turn {
  const texts = messages.map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)));
  return {
    agent,
    system,
    messages: texts,
    prompt: texts.at(-1) ?? '',
    tools: Object.keys(tools),
    async use(name, input) {
      const tool = tools[name];
      if (!tool?.execute) return { ok: false, error: `no tool ${name}` };
      const checked = await asSchema(tool.inputSchema).validate?.(input);
      if (checked?.success === false) return { ok: false, error: 'invalid input' };
      return tool.execute(checked?.value ?? input, { toolCallId: 'call', messages: [], context: {} });
    },
  };
}
