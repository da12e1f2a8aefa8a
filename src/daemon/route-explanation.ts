import { LOCAL } from '../channels/local/local-channel.ts';
import type { Route } from '../delivery/router.ts';
import type { ChatIn } from '../domain/chat.ts';
import { ParleyError } from '../domain/errors.ts';
import type { Judgement } from '../domain/routing.ts';
import { systemClock } from '../lib/clock.ts';
import { nearest } from '../lib/suggestion.ts';
import { makeGate } from './agents.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { processSurroundings, type SpoolFlags, type Surroundings, withFlags } from './config/surroundings.ts';
import { isPerson } from './config/whatsapp.ts';
import { patternsFor, routeOf } from './routing.ts';
import { attentionOf } from './whatsapp.ts';

/** Something that might be said in a chat. */
export interface RouteQuestion {
  readonly channel: Config['platforms'][number];
  /** The number of a person, or the id or name of a group. */
  readonly peer: string;
  /** Default: what the peer looks like. */
  readonly kind: ChatIn['peer']['kind'] | null;
  /** Default: the first. */
  readonly account: string | null;
  readonly text: string;
}

/** Who would handle it, and why. */
export interface RouteExplanation {
  readonly channel: string;
  readonly account: string;
  readonly peer: { readonly kind: ChatIn['peer']['kind']; readonly id: string };
  /** In order; who has a higher rank waits for all of a lower one. */
  readonly agents: readonly { readonly id: string; readonly name: string; readonly rank: number }[];
  readonly reason: string;
  readonly panel: {
    readonly peer: string;
    readonly strategy: string;
    readonly activation: string | null;
    /** The agent that chooses who of them answers. */
    readonly selector: string | null;
    readonly shared: { readonly rounds: number; readonly judge: Judgement | null } | null;
  } | null;
  /** In a group in which they answer when they are spoken to; null elsewhere. */
  readonly wake: {
    /** Whether the text does it by itself. Otherwise they answer when the account is mentioned or replied to. */
    readonly byText: boolean;
    /** The mention patterns that it fits, of those who are to answer. */
    readonly patterns: readonly { readonly agent: string; readonly pattern: string }[];
  } | null;
}

/** What the configuration makes of it; nobody is started for that. Throws CONFIG_INVALID or AGENT_UNKNOWN. */
export function explainRoute(
  question: RouteQuestion,
  flags: SpoolFlags,
  surroundings: Surroundings = processSurroundings(),
): RouteExplanation {
  const loaded = loadConfig({ flags: {}, ...withFlags(surroundings, flags) });
  if (!loaded.ok) throw loaded.error;
  const { config } = loaded.value;
  const { channel, text } = question;
  if (!config.platforms.includes(channel)) {
    throw new ParleyError('CONFIG_INVALID', `${channel} is not one of the platforms: nothing is said there.`, {
      hint: `Set PLATFORM=${[...config.platforms, channel].join(',')}.`,
    });
  }
  const chat = chatOf(question, config);
  const route = routeOf(config);
  const asked = { channel, account: chat.account, peer: { kind: chat.peer.kind, id: chat.peer.id } };
  const obstacle = obstacleTo(chat, config, route);
  if (obstacle !== null) return { ...asked, agents: [], reason: obstacle, panel: null, wake: null };
  const { agents, panel, reason, isCalled, activation } = route(chat);
  const waits = chat.addressed === false && activation === 'mention';
  const names = new Map(config.agents.map(({ id, name }) => [id, name]));
  return {
    ...asked,
    agents: agents.map(({ id, rank }) => ({ id, name: names.get(id) ?? id, rank })),
    reason,
    panel: panel && {
      peer: panel.peer,
      strategy: panel.strategy,
      activation: panel.activation,
      selector: panel.selection?.selector ?? null,
      shared: panel.shared && { rounds: panel.shared.rounds, judge: panel.shared.judgement },
    },
    wake: waits
      ? {
          byText: isCalled,
          patterns: agents.flatMap(({ id }) =>
            patternsFor(config, id, text).map((pattern) => ({ agent: id, pattern })),
          ),
        }
      : null,
  };
}

function chatOf({ channel, peer: id, kind, account, text }: RouteQuestion, config: Config): ChatIn {
  const isGroup = (kind ?? (isPerson(id) ? 'dm' : 'group')) === 'group';
  return {
    channel,
    account: accountOf(account, config),
    // What is asked for may be the id of a group or its name.
    peer: isGroup ? { kind: 'group', id, name: id } : { kind: 'dm', id },
    sender: { id: isGroup ? 'somebody' : id },
    text,
    // By a mention that WhatsApp knows of, or a reply.
    ...(isGroup && channel !== LOCAL && { addressed: false }),
  };
}

/** What the gate says, in words; how fast somebody writes plays no part here. */
const REFUSALS: Readonly<Record<string, string>> = {
  blocked: 'they are on security.blocklist',
  'not-allowed': 'there is a security.allowlist, and they are not on it',
  'too-long': 'that is longer than security.maxMessageLength',
};

/** What keeps it from whoever would answer it, by the same rules by which messages come in; null: nothing. */
function obstacleTo(chat: ChatIn, config: Config, route: Route): string | null {
  const { channel, peer } = chat;
  const attention = channel !== LOCAL && config.whatsapp ? attentionOf(config.whatsapp, route)(chat) : 'answer';
  if (attention === 'ignore') {
    return 'the group is not in whatsapp.groups by this id or name, and no panel or binding names it';
  }
  // Who of a group says it, nobody has told.
  if (peer.kind === 'group') return null;
  const verdict = makeGate(config, systemClock).check(chat);
  return verdict.allow ? null : (REFUSALS[verdict.reason] ?? verdict.reason);
}

function accountOf(wanted: string | null, { accounts }: Config): string {
  const account = wanted === null ? accounts[0] : accounts.find((id) => id === wanted);
  if (account !== undefined) return account;
  const meant = nearest(wanted ?? '', accounts);
  throw new ParleyError('AGENT_UNKNOWN', `There is no account '${wanted ?? ''}'.`, {
    hint: meant === null ? `There is: ${accounts.join(', ')}.` : `Did you mean '${meant}'?`,
  });
}
