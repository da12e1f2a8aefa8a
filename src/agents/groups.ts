import {
  type AgentId,
  type ConversationId,
  conversationId,
  type GroupId,
  groupId,
  type MessageId,
} from '../domain/addresses.ts';
import type { RegisteredAgent } from '../domain/agent-card.ts';
import { type ChatPanel, type ChatPlace, sessionKey } from '../domain/chat.ts';
import type { Discussion, Group, GroupMember } from '../domain/group.ts';
import { turnsOf } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import { normaliseIdentity } from '../security/identity.ts';
import type { AgentContext } from './context.ts';
import { introduction } from './discovery.ts';
import type { Effects } from './effects.ts';

/** What a tool tells the model. */
export type ToolAnswer = ({ readonly ok: true } & Readonly<Record<string, unknown>>) | Refusal;
type Refusal = { readonly ok: false; readonly error: string; readonly hint?: string };

const refuse = (error: string, hint?: string): Refusal => ({
  ok: false,
  error,
  ...(hint === undefined ? {} : { hint }),
});

/** Who waits to be let into a group, because a person has asked for it there. */
export type Joining = { readonly group: GroupId; readonly place: ChatPlace; readonly askedBy: string };

/** The messages of a group are one conversation, so that each member handles them in order. */
export const groupConversation = (id: GroupId): ConversationId => conversationId(id);
/** What an agent remembers of one discussion: another one in the same group may go on at the same time. */
export const discussionKey = (agent: AgentId, id: GroupId, discussion: MessageId): string =>
  `agent:${agent}:group:${id}:${discussion}`;

/** How what was said to a panel is discussed. */
type PanelQuestion = Pick<ChatPanel, 'rounds' | 'judgement' | 'awaited'> & {
  readonly lines: readonly { readonly id: MessageId; readonly text: string }[];
};

/**
 * The group of agents of a panel, when they hear each other: `host` leads them. Others of the same panel are another group, so that a
 * discussion keeps those whom it began with, whoever the next message is for.
 */
export const panelGroup = (
  host: AgentId,
  { channel, account, peer }: ChatPlace,
  members: readonly { readonly id: AgentId }[],
): GroupId =>
  groupId(deriveId('grp', 'panel', host, channel, account, peer.kind, peer.id, ...members.map(({ id }) => id)));

/** As long as the name of a group can be in an envelope, in UTF-16 code units. */
const LONGEST_NAME = 128;

/** More members than this and a round costs more than it tells. */
const MAX_MEMBERS = 10;

/** The closing summary is a turn too: it is kept back from every round, so that a discussion can always be closed. */
export const SUMMARY_TURNS = 1;
/** The turn that puts a question, and the one that sums up. */
const TURNS_OF_THE_HOST = 1 + SUMMARY_TURNS;

/** What an agent can do with groups in one turn. What it has done earlier in the turn counts already. */
export class GroupActions {
  readonly #context: AgentContext;
  readonly #effects: Effects;
  readonly #place: ChatPlace;
  readonly #askedBy: string;
  readonly #changed = new Map<GroupId, Group>();
  #questions = 0;

  constructor(context: AgentContext, effects: Effects, place: ChatPlace, askedBy: string) {
    this.#context = context;
    this.#effects = effects;
    this.#place = place;
    this.#askedBy = askedBy;
  }

  list(): ToolAnswer {
    return { ok: true, groups: this.#groups().map(describeGroup) };
  }

  create({
    name,
    purpose = '',
    members = [],
  }: {
    name: string;
    purpose?: string | undefined;
    members?: readonly string[] | undefined;
  }): ToolAnswer {
    const { card } = this.#context;
    if (this.#named(name).length > 0)
      return refuse(`There is a group called ${name} already.`, 'Use it, or choose another name.');
    const resolved = members.map((member) => this.#resolve(member));
    const failed = resolved.find((result) => 'error' in result);
    if (failed) return failed;
    const roster = new Map<AgentId, GroupMember>([[card.id, { id: card.id, name: card.name }]]);
    for (const result of resolved)
      if ('agent' in result) roster.set(result.agent.id, { id: result.agent.id, name: result.agent.name });
    if (roster.size > MAX_MEMBERS) return refuse(`A group has at most ${MAX_MEMBERS} members.`);
    const id = groupId(deriveId('grp', this.#effects.id('group'), name.toLowerCase()));
    const group: Group = { id, name, purpose, host: card.id, members: [...roster.values()], version: 1 };
    this.#change(group, group.members);
    return { ok: true, group: describeGroup(group) };
  }

  addMember({ group: name, member, phone }: { group: string; member: string; phone?: string | undefined }): ToolAnswer {
    const found = this.#find(name);
    if ('error' in found) return found;
    const { group } = found;
    const resolved = this.#resolve(member, phone);
    if ('error' in resolved) return (phone !== undefined && this.#introduce(group, member, phone)) || resolved;
    const { agent } = resolved;
    if (group.members.some(({ id }) => id === agent.id)) return refuse(`${agent.name} is in ${group.name} already.`);
    if (group.members.length >= MAX_MEMBERS) return refuse(`A group has at most ${MAX_MEMBERS} members.`);
    const changed = {
      ...group,
      members: [...group.members, { id: agent.id, name: agent.name }],
      version: group.version + 1,
    };
    this.#change(changed, changed.members);
    return { ok: true, group: describeGroup(changed) };
  }

  /** Writes to an agent of which only the number is known; it joins the group when it has answered. */
  #introduce(group: Group, member: string, phone: string): ToolAnswer | null {
    const { card, keys, clock, carriesEnvelopes, directory } = this.#context;
    const { channel, account } = this.#place;
    if (!carriesEnvelopes(channel) || directory.find(member).length > 0) return null;
    const number = normaliseIdentity(phone);
    const id = this.#effects.id(`introduction:${number}`);
    const place: ChatPlace = { channel, account, peer: { kind: 'dm', id: number } };
    const joins: Joining = { group: group.id, place: this.#place, askedBy: this.#askedBy };
    this.#effects.carry(place, introduction(card, number, id, keys, clock.now()), id, { joins });
    return refuse(
      `I do not know the agent at ${number} yet. I have introduced myself to it.`,
      `${member} joins ${group.name} as soon as it has answered; say so.`,
    );
  }

  removeMember({ group: name, member }: { group: string; member: string }): ToolAnswer {
    const found = this.#find(name);
    if ('error' in found) return found;
    const { group } = found;
    const leaving = group.members.find(
      ({ id, name: called }) => id === member || called.toLowerCase() === member.trim().toLowerCase(),
    );
    if (!leaving)
      return refuse(
        `${member} is not in ${group.name}.`,
        `In it are ${group.members.map((one) => one.name).join(', ')}.`,
      );
    if (leaving.id === group.host) return refuse(`${leaving.name} leads ${group.name} and cannot leave it.`);
    const changed = {
      ...group,
      members: group.members.filter(({ id }) => id !== leaving.id),
      version: group.version + 1,
    };
    // Who leaves is told too, and forgets the group.
    this.#change(changed, group.members);
    return { ok: true, group: describeGroup(changed) };
  }

  /** Puts a question to a group: begins a discussion. */
  message({ group: name, text }: { group: string; text: string }): ToolAnswer {
    const found = this.#find(name);
    if ('error' in found) return found;
    return this.ask(found.group, text);
  }

  /**
   * Puts what somebody said to the agents of a panel that hear each other. This agent leads them, and is one of them. `lines`: what is
   * remembered of it, for each message that it was said in.
   */
  askPanel(panel: ChatPanel, question: string, lines: PanelQuestion['lines']): ToolAnswer {
    const { members } = panel;
    const { card, directory, groups } = this.#context;
    const { peer } = this.#place;
    const id = panelGroup(card.id, this.#place, members);
    const known = groups.get(card.id, id);
    if (known) return this.ask(known, question, { ...panel, lines });
    const roster = members.map((member) => ({ id: member.id, name: directory.get(member.id)?.name ?? member.id }));
    const name = (peer.name ?? peer.id).replace(/\p{C}/gu, ' ').slice(0, LONGEST_NAME).toWellFormed();
    const group: Group = { id, name, purpose: '', host: card.id, members: roster, version: 1, panel: true };
    this.#change(group, roster);
    return this.ask(group, question, { ...panel, lines });
  }

  ask(group: Group, question: string, panel?: PanelQuestion): ToolAnswer {
    const { card, clock, discussion: limits, discussions, sessions, hasGroupChats } = this.#context;
    if (group.host !== card.id) return ledByAnother(group);
    const members = panel ? group.members : group.members.filter(({ id }) => id !== card.id);
    const rounds = panel?.rounds ?? limits.rounds;
    if (members.length === 0) return refuse(`Nobody but you is in ${group.name}.`, 'Add a member first.');
    const effects = this.#effects;
    if (effects.trace.budget.turns < members.length + TURNS_OF_THE_HOST) {
      return refuse(
        `The budget of this conversation does not reach for a discussion: ${effects.trace.budget.turns} turns are left.`,
      );
    }
    const label = `question:${group.id}:${this.#questions++}`;
    const id = effects.id(label);
    const round = { discussion: id, question, askedBy: this.#askedBy, round: 1, rounds };
    const conversation = groupConversation(group.id);
    effects.send({
      label,
      to: members,
      group: { groupId: group.id, groupName: group.name },
      intent: 'group',
      payload: round,
      conversation,
      expectsWork: true,
    });
    effects.keep(SUMMARY_TURNS);
    effects.remind(`${label}:deadline`, conversation, clock.now() + limits.roundTimeoutMs, {
      kind: 'round',
      discussion: id,
      round: 1,
    });
    const opened: Discussion = {
      id,
      group: group.id,
      question,
      askedBy: this.#askedBy,
      place: this.#place,
      trace: effects.trace,
      round: 1,
      rounds,
      waitingFor: members.map((member) => member.id),
      asked: id,
      contributions: [],
      share: effects.trace.budget,
      budget: turnsOf(effects.trace.budget, SUMMARY_TURNS),
      closed: false,
      ...(panel && { panel: { judgement: panel.judgement, awaited: panel.awaited } }),
    };
    effects.writeWithShare((share) => discussions.put(card.id, { ...opened, share }));
    const said = { role: 'user', speaker: this.#askedBy, at: effects.now } as const;
    const line = { id, ...said, text: question };
    effects.write(sessions.append(card.id, discussionKey(card.id, group.id, id), [line]));
    if (panel) {
      const lines = panel.lines.map((one, index) => ({ ...one, ...said, ...(index === 0 && { id }) }));
      effects.write(sessions.append(card.id, sessionKey(card.id, this.#place), lines));
    }
    const inGroup = this.#place.peer.kind === 'group' && this.#place.peer.id === group.id;
    if (!panel && !inGroup && hasGroupChats(this.#place.channel))
      effects.say(groupChat(group, this.#place), question, { label: `${label}:chat` });
    return { ok: true, group: describeGroup(group), asked: members.map((member) => member.name) };
  }

  #change(group: Group, tell: readonly GroupMember[]): void {
    const { card, groups } = this.#context;
    this.#changed.set(group.id, group);
    this.#effects.write(groups.put(card.id, group));
    this.#effects.send({
      label: `roster:${group.id}:${group.version}`,
      to: tell.filter(({ id }) => id !== card.id),
      group: { groupId: group.id, groupName: group.name },
      intent: 'group-update',
      payload: { group },
      conversation: groupConversation(group.id),
      expectsWork: false,
    });
  }

  #groups(): Group[] {
    const { card, groups } = this.#context;
    const all = new Map(groups.list(card.id).map((group) => [group.id, group]));
    for (const [id, group] of this.#changed) all.set(id, group);
    return [...all.values()];
  }

  #named(name: string): Group[] {
    const wanted = plain(name);
    return this.#groups().filter((group) => plain(group.name) === wanted);
  }

  /** The group of this name, if this agent leads it. */
  #find(name: string): { group: Group } | Refusal {
    const { card } = this.#context;
    const [group, another] = this.#named(name);
    if (!group) {
      const known = this.#groups().map((one) => one.name);
      return refuse(
        `There is no group called ${name}.`,
        known.length > 0 ? `There is ${known.join(', ')}.` : 'There are no groups yet.',
      );
    }
    if (another) return refuse(`More than one group is called ${name}.`, 'Ask which one is meant.');
    return group.host === card.id ? { group } : ledByAnother(group);
  }

  /** The agent of this name: asked about when unknown or ambiguous, never guessed. */
  #resolve(name: string, phone?: string): { agent: RegisteredAgent } | Refusal {
    const { directory } = this.#context;
    const [agent, another] = atNumber(directory.find(name), phone);
    const known = directory
      .list()
      .map((one) => one.name)
      .join(', ');
    if (!agent)
      return refuse(
        `I know no agent called ${name}${phone ? ` at ${phone}` : ''}.`,
        `I know ${known}. Ask which one is meant.`,
      );
    if (another)
      return refuse(`More than one agent is called ${name}.`, 'Ask for the id or the number of the one that is meant.');
    return { agent };
  }
}

/** Those of one name that have this number; where none has, those whose number is not known. */
function atNumber(named: readonly RegisteredAgent[], phone: string | undefined): readonly RegisteredAgent[] {
  if (!phone) return named;
  const wanted = normaliseIdentity(phone);
  const exact = named.filter((agent) => agent.phone !== null && normaliseIdentity(agent.phone) === wanted);
  return exact.length > 0 ? exact : named.filter((agent) => agent.phone === null);
}

function ledByAnother({ name, host, members }: Group): Refusal {
  const leader = members.find(({ id }) => id === host)?.name ?? host;
  return refuse(`${name} is led by ${leader}.`, `Ask ${leader}.`);
}

/** The chat of a group beside the one in which it was asked. */
export function groupChat(group: Group, { channel, account }: ChatPlace): ChatPlace {
  return { channel, account, peer: { kind: 'group', id: group.id, name: group.name } };
}

const plain = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/^the\s+/, '')
    .replace(/\s+group$/, '');

const describeGroup = ({ name, purpose, members }: Group): Record<string, unknown> => ({
  name,
  purpose,
  members: members.map((member) => member.name),
});
