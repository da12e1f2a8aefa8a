import type { ToolSet } from 'ai';
import { groupId, type MessageId, messageId } from '../domain/addresses.ts';
import { CHAT_IN, type ChatIn, type ChatPlace, chatInSchema, sessionKey } from '../domain/chat.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import type { Message } from '../domain/message.ts';
import { type Budget, smallerBudget, startTrace, type Trace } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import { tellWhyItStopped } from './budget-notice.ts';
import { chatTools } from './chat-tools.ts';
import { obeyCommandBlocks } from './command-block.ts';
import { chatCommand } from './commands.ts';
import type { AgentContext } from './context.ts';
import { Effects } from './effects.ts';
import { GroupActions } from './groups.ts';
import { type OrderGiven, obey } from './orders.ts';
import { withOverheard } from './overheard.ts';
import { chooseSpeakers, stepAside } from './panel.ts';
import { REMEMBERED_LINES, remembered, systemPrompt } from './prompt.ts';
import { cannotAnswer, takeTurn, waitForProvider } from './turn.ts';

/** Something to be answered in a chat: what a person said there, or what another agent replied on the person's behalf. */
export interface ChatPrompt {
  readonly place: ChatPlace;
  /** Who is answered. */
  readonly person: string;
  /** Who said it: the person, or the agent that replied. */
  readonly speaker: string;
  readonly text: string;
  /** What of it is remembered, a line each; default: the text, under the id of the message. */
  readonly lines?: readonly Said[];
  readonly trace: Trace;
}

/** Something that was said, with the id of the message that it was said in. */
interface Said {
  readonly id: MessageId;
  readonly text: string;
}

/** Answers what a person said in a chat. */
export async function answerPerson(
  context: AgentContext,
  delivery: Delivery,
  chat: ChatIn,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, groups, sessions, keys, clock, budget } = context;
  const place: ChatPlace = { channel: chat.channel, account: chat.account, peer: chat.peer };
  const person = chat.sender.name ?? chat.sender.id;
  const { root, hop, budget: given } = delivery.message.trace;
  // Whoever has chosen who answers has spent some of it.
  const trace = { ...startTrace(root, card.id, smallerBudget(budget, given)), hop };
  const effects = new Effects(card, delivery.message, trace, keys, clock);

  const command = chatCommand(chat.text);
  const { panel } = chat;
  // One of those who get it is enough to answer a command.
  if (command && panel?.mode === 'each' && panel.members[0]?.id !== card.id) return { kind: 'ack' };
  if (command)
    return answerCommand(
      context,
      chat,
      command,
      { delivery, place, askedBy: person, actor: chat.sender.id, effects },
      signal,
    );
  if (panel?.mode === 'select') return chooseSpeakers(context, delivery, chat, panel, effects, signal);
  const group = chat.peer.kind === 'group' ? groups.get(card.id, groupId(chat.peer.id)) : null;
  if (group) {
    const answer = new GroupActions(context, effects, place, person).ask(group, chat.text);
    if (!answer.ok) effects.say(place, [answer.error, answer.hint].filter(Boolean).join(' '));
    return acknowledge(context, effects, trace.budget, delivery);
  }
  if (sessions.has(sessionKey(card.id, place), delivery.message.id)) return { kind: 'ack' };
  const spoken = burst(context, delivery, chat);
  if (spoken.openForMs > 0) {
    return {
      kind: 'nack',
      reason: 'the person may have more to say',
      delayMs: spoken.openForMs,
      countsAsAttempt: false,
    };
  }
  // With several people in a chat, it matters who says something, afterwards too.
  const by = (text: string): string => (place.peer.kind === 'group' ? `${person}: ${text}` : text);
  const words = await linesOf(context, spoken);
  const said = by(words.map((line) => line.text).join('\n'));
  const lines = words.map((line) => ({ ...line, text: by(line.text) }));
  // The root too: a message that was handed on by one who chooses has another id.
  const own = [...lines.map(({ id }) => id), root];
  const text = withOverheard(sessions, card.id, place, said, own);
  if (panel?.mode === 'shared') {
    const answer = new GroupActions(context, effects, place, person).askPanel(panel, text, lines);
    if (!answer.ok) effects.say(place, [answer.error, answer.hint].filter(Boolean).join(' '));
    return acknowledge(context, effects, trace.budget, delivery);
  }
  const prompt = { place, person, speaker: person, text, lines, trace };
  const settlement = await answerInChat(context, delivery, prompt, signal);
  return settlement.kind === 'nack' ? stepAside(context, delivery, panel, effects, settlement) : settlement;
}

/** Somebody who never stops writing is answered all the same, after so many times the pause that would end a burst. */
const MOST_PAUSES = 10;

/** What a person has said in several messages. */
interface Burst {
  readonly said: readonly { readonly message: Message; readonly chat: ChatIn }[];
  /** How long until they may be taken to have finished, in milliseconds. */
  readonly openForMs: number;
}

/**
 * What the person has said, and what they have said since: who writes in several messages is answered once. The others are found
 * among what is remembered when their turn comes, and are done with.
 */
function burst(context: AgentContext, { message, to }: Delivery, chat: ChatIn): Burst {
  const pauseMs = context.debounceMs(chat.channel);
  if (pauseMs === 0) return { said: [{ message, chat }], openForMs: 0 };
  const said = [{ message, chat }];
  for (const next of context.behind(message.id, to)) {
    const more =
      next.from === message.from && next.payload.type === CHAT_IN ? chatInSchema.parse(next.payload.data) : null;
    // Whatever else comes next, what came before it is complete.
    if (!more || chatCommand(more.text) || more.panel?.mode !== chat.panel?.mode) return { said, openForMs: 0 };
    said.push({ message: next, chat: more });
  }
  const latest = said.at(-1)?.message ?? message;
  const endsAt = Math.min(latest.acceptedAt + pauseMs, message.acceptedAt + pauseMs * MOST_PAUSES);
  return { said, openForMs: Math.max(0, endsAt - context.clock.now()) };
}

/** What was said, with what it answers and the files that came with it, as a model reads it. */
async function linesOf(context: AgentContext, { said }: Burst): Promise<Said[]> {
  return Promise.all(
    said.map(async ({ message, chat }) => ({
      id: message.id,
      text: [...quotation(chat), chat.text, ...(await context.filesOf(chat))].filter(Boolean).join('\n'),
    })),
  );
}

/** In UTF-16 code units: enough to know which message is meant. */
const QUOTED_LENGTH = 500;

/** What a message answers, for a model that may have forgotten it, or never heard it. */
function quotation({ quoted }: ChatIn): string[] {
  if (!quoted?.text) return [];
  const { text, sender = 'what was said before' } = quoted;
  const words = text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH).toWellFormed()}…` : text;
  return [`[in answer to ${sender}: ${words.replaceAll(/\s+/g, ' ')}]`];
}

/** Takes a turn and says its outcome in the chat. */
export async function answerInChat(
  context: AgentContext,
  delivery: Delivery,
  prompt: ChatPrompt,
  signal: AbortSignal,
): Promise<Settlement> {
  const { card, sessions, watch, clock } = context;
  const { place, person, speaker, text, lines = [{ id: delivery.message.id, text }], trace } = prompt;
  const heardAt = clock.now();
  const key = sessionKey(card.id, place);
  // What the tools have done in a turn counts for the commands in its reply.
  let tools: ToolSet = {};
  watch.thinking(card.id, place, true);
  try {
    const outcome = await takeTurn(
      context,
      {
        delivery,
        trace,
        system: systemPrompt(context),
        messages: [...remembered(sessions.recent(key, REMEMBERED_LINES)), { role: 'user', content: text }],
        tools: (effects) => {
          tools = chatTools(context, effects, place, person);
          return tools;
        },
      },
      signal,
    );
    if (outcome.kind === 'waiting') return waitForProvider(outcome, waitingNotice(context, delivery, place, trace));
    const { effects } = outcome;
    const answer =
      outcome.kind === 'answered'
        ? outcome.text && (await obeyCommandBlocks(outcome.text, tools, { id: effects.id('command'), signal }))
        : cannotAnswer(outcome.why);
    const heard = lines.map((line) => ({ ...line, role: 'user', speaker, at: heardAt }) as const);
    const own = answer
      ? [{ id: effects.id('say'), role: 'assistant', speaker: card.name, text: answer, at: effects.now } as const]
      : [];
    effects.write(sessions.append(card.id, key, [...heard, ...own]));
    if (answer) effects.say(place, answer);
    return acknowledge(context, effects, outcome.kind === 'answered' ? outcome.left : trace.budget, delivery);
  } finally {
    watch.thinking(card.id, place, false);
  }
}

/** Settles a delivery with everything that its handling gave rise to; if the budget did not reach for all of it, the person is told. */
export function acknowledge(context: AgentContext, effects: Effects, left: Budget, { message }: Delivery): Settlement {
  const stopped = effects.exhausted(left);
  if (stopped) tellWhyItStopped(context, effects, stopped, message.conversation);
  const { outputs, also } = effects.finish(left);
  return { kind: 'ack', outputs, also };
}

async function answerCommand(
  context: AgentContext,
  chat: ChatIn,
  command: NonNullable<ReturnType<typeof chatCommand>>,
  given: Omit<OrderGiven, 'notice'>,
  signal: AbortSignal,
): Promise<Settlement> {
  const { delivery, place, effects } = given;
  if (!context.isAdmin(chat)) {
    const [word = ''] = chat.text.split(/\s/);
    await context.audit.record({ kind: 'command.denied', actor: chat.sender.id, detail: word.slice(0, 40) });
    return { kind: 'ack' };
  }
  const answer = command(context);
  if (typeof answer !== 'string') {
    const notice = (): Effects => waitingNotice(context, delivery, place, effects.trace);
    return obey(context, answer, { ...given, notice }, signal);
  }
  effects.say(place, answer);
  const { outputs, also } = effects.finish(effects.trace.budget);
  return { kind: 'ack', outputs, also };
}

/** Tells the person, once, that the answer will take a while. */
export function waitingNotice(context: AgentContext, { message }: Delivery, place: ChatPlace, trace: Trace): Effects {
  const effects = new Effects(context.card, message, trace, context.keys, context.clock);
  const id = messageId(deriveId('msg', trace.root, context.card.id, 'waiting'));
  effects.say(
    place,
    'None of my AI providers can be reached right now. Your message is kept; I answer as soon as one is back.',
    { id },
  );
  return effects;
}
