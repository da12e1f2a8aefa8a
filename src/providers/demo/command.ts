import { capitalise, sameName } from './wording.ts';

/** A call of one of the tools that the agents' runtime gives its models. */
export type Command =
  | { readonly tool: 'create_group'; readonly input: { name: string; members: string[]; purpose?: string } }
  | { readonly tool: 'add_member'; readonly input: { group: string; member: string; phone?: string } }
  | { readonly tool: 'remove_member'; readonly input: { group: string; member: string } }
  | { readonly tool: 'group_message'; readonly input: { group: string; text: string } }
  | { readonly tool: 'message_agent'; readonly input: { agent: string; text: string } }
  | {
      readonly tool: 'plan_team';
      readonly input: { parts: { id: string; agent: string; task: string; after: string[] }[] };
    }
  | { readonly tool: 'list_groups' | 'list_agents'; readonly input: Record<string, never> };

/** Who is spoken to, and which groups there are. */
interface Context {
  readonly agentName: string;
  readonly groups: readonly string[];
}

/**
 * The tool call that a sentence in plain words asks for, or null. Every repetition in the patterns is bounded, so that no text,
 * however long or odd, takes long.
 */
export function understandCommand(text: string, context: Context): Command | null {
  const plain = withoutCourtesies(text, context.agentName);
  return (
    createGroup(plain, context) ??
    addMember(plain, context) ??
    removeMember(plain, context) ??
    tell(plain, context) ??
    list(plain)
  );
}

const GREETING = /^(?:hi|hello|hey|ok|okay|so|now)\b[ ,!.]{0,3}/i;
const COURTESY = /^(?:please|(?:could|can|would|will) you(?: please)?|i(?:'d| would) like you to)\b[ ,]{0,3}/i;

/** Drops "Hi Atlas, could you please …". */
function withoutCourtesies(text: string, agentName: string): string {
  return withoutName(text.trim().replace(GREETING, ''), agentName).replace(COURTESY, '');
}

function withoutName(text: string, name: string): string {
  const start = text.startsWith('@') ? 1 : 0;
  const end = start + name.length;
  return sameName(text.slice(start, end), name) ? text.slice(end).replace(/^[ ,:!]{1,5}/, '') : text;
}

const CREATE =
  /^(?:create|make|start|set up|form|open|build)(?: me)?(?: an?| the)?(?: new)?(?<kind> [^,:"]{1,60}?)? (?:group|team)\b(?<rest>.{0,600})/is;
const CALLED =
  /^,? (?:(?:called|named) )?(?!(?:with|of|including|for|to|about)\b)(?<name>[^,:]{1,80}?)(?=,? (?:with|of|including|for|to|about)\b|:|[.!?]?$)/is;
const WITH =
  /^(?:,? (?:for|to|about) (?<aim>.{1,200}?))?(?:,? (?:with|of|including)|:) (?<members>.{1,400}?)(?: (?:to|about|so that|for) (?<purpose>.{1,200}?))?[.!?]{0,3}$/is;

function createGroup(text: string, { agentName }: Context): Command | null {
  const { kind = '', rest = '' } = CREATE.exec(text)?.groups ?? {};
  const called = CALLED.exec(rest);
  const { name = teamName(kind) } = called?.groups ?? {};
  const { members = '', aim, purpose = aim } = WITH.exec(rest.slice(called?.[0].length ?? 0))?.groups ?? {};
  const people = splitNames(members, agentName);
  if (people.length === 0) return null;
  return {
    tool: 'create_group',
    input: { name: bareName(name), members: people, ...(purpose ? { purpose: purpose.trim() } : {}) },
  };
}

/** A research group is the Research Team. */
function teamName(kind: string): string {
  const words = kind.trim().split(/\s+/).filter(Boolean);
  return [...words.map(capitalise), 'Team'].join(' ');
}

function splitNames(text: string, agentName: string): string[] {
  const names = text.split(/,|&|\+|;|\band\b/i).map(bareName);
  const people = names.map((name) => (/^(?:you|yourself)$/i.test(name) ? agentName : name));
  return people.filter((name) => name !== '' && !/^(?:me|us|myself)$/i.test(name));
}

const ADD = /^(?:add|invite|bring) (?<who>.{1,160}?) (?:in)?to (?<group>.{1,100}?)[.!?]{0,3}$/is;
const PHONE = /\+\d[\d ()-]{4,20}\d/;
const NAMED = /\b(?:name|named|called|as) (?<name>\S.{0,60})$/is;

function addMember(text: string, { groups }: Context): Command | null {
  const { who, group } = ADD.exec(text)?.groups ?? {};
  if (!who || !group) return null;
  const phone = PHONE.exec(who)?.[0];
  const { name: named } = NAMED.exec(who.replace(PHONE, ''))?.groups ?? {};
  const described = who
    .replace(PHONE, '')
    .replace(/^(?:the )?(?:agent|number|contact|phone)?(?: at| with)? {0,3}/i, '');
  const member = bareName(named ?? described) || phone;
  if (!member) return null;
  return {
    tool: 'add_member',
    input: { group: resolveGroup(group, groups), member, ...(phone ? { phone: phone.replace(/[ ()-]/g, '') } : {}) },
  };
}

const REMOVE = /^(?:remove|kick|drop|delete|take) (?<who>.{1,80}?) (?:out of|from) (?<group>.{1,100}?)[.!?]{0,3}$/is;

function removeMember(text: string, { groups }: Context): Command | null {
  const { who, group } = REMOVE.exec(text)?.groups ?? {};
  if (!who || !group) return null;
  return { tool: 'remove_member', input: { group: resolveGroup(group, groups), member: bareName(who) } };
}

const VERB = '^(?:tell|ask|message|say to|write to|send to)';
const TELL_COLON = new RegExp(`${VERB} (?<target>[^:\\n]{1,80}): {0,3}`, 'i');
const TELL_TEAM = new RegExp(`${VERB} (?<target>[^:,.?!\\n]{0,60}?\\b(?:team|group))\\b,? {0,3}`, 'i');
const TELL_ONE = new RegExp(`${VERB} (?<target>@?[^\\s,]{1,40}),? {1,3}`, 'i');

function tell(text: string, { groups }: Context): Command | null {
  const match = TELL_COLON.exec(text) ?? TELL_TEAM.exec(text) ?? TELL_ONE.exec(text);
  const { target } = match?.groups ?? {};
  const said = text.slice(match?.[0].length ?? 0).trim();
  if (!target || said === '' || /^(?:me|us|the|a)$/i.test(target)) return null;
  const isGroup = /\b(?:team|group)\b/i.test(target) || groups.some((group) => sameName(group, bareName(target)));
  return isGroup
    ? { tool: 'group_message', input: { group: resolveGroup(target, groups), text: said } }
    : { tool: 'message_agent', input: { agent: bareName(target), text: said } };
}

const LIST_GROUPS = /\b(?:list|show|which|what|my|all)\b.{0,30}\b(?:groups|teams)\b/i;
const LIST_AGENTS =
  /\bwho(?:'s| is| are| else is)? (?:there|here|online|around|available|active)\b|\b(?:list|show|which|what|all)\b.{0,30}\bagents\b/i;

function list(text: string): Command | null {
  if (LIST_GROUPS.test(text)) return { tool: 'list_groups', input: {} };
  return LIST_AGENTS.test(text) ? { tool: 'list_agents', input: {} } : null;
}

/** A name without what surrounds it in a sentence. */
function bareName(text: string): string {
  return text
    .trim()
    .replace(/^(?:the |my |agent )+/i, '')
    .replace(/^["'@*\s]{1,5}|["'*.,:;!?\s]{1,5}$/g, '');
}

/** The group that is meant: by its name, by its name without "Team", or the latest one when it is just "the team". */
function resolveGroup(text: string, groups: readonly string[]): string {
  const name = bareName(text);
  const short = name.replace(/ group$/i, '');
  const latest = /^(?:team|group)$/i.test(name) ? groups.at(-1) : undefined;
  const known = [name, short, `${short} Team`].flatMap((candidate) =>
    groups.filter((group) => sameName(group, candidate)),
  );
  return known[0] ?? latest ?? short;
}
