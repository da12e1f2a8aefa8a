import { type Role, roleOf, type Topic, topicOf } from './topics.ts';
import { firstSentence, firstWords, joinNames, sameName } from './wording.ts';

/** What an agent answers when it has nothing to add. */
const NO_REPLY = 'NO_REPLY';
/** After this many rounds the scripted model has said all it has. */
const ROUNDS_WITH_SOMETHING_TO_SAY = 2;

interface Statement {
  readonly speaker: string;
  readonly text: string;
}

interface Discussion {
  readonly question: string;
  readonly said: readonly Statement[];
}

const ROUND = /^\[group "(?<group>[^"\n]{1,200})" round (?<round>\d{1,4}) of (?<rounds>\d{1,4})\]/;
const CLOSE = /^\[close the discussion in "(?<group>[^"\n]{1,200})"\]/;
const MESSAGE = /^\[message from (?<from>[^\]\n]{1,200})\]/;
const REPLY = /^\[reply from (?<from>[^\]\n]{1,200})\]/;

/** The answer to a message that agents' runtimes put to each other, or null when it is no such message. */
export function answerAmongAgents(message: string, agentName: string): string | null {
  const rest = (match: RegExpExecArray): string => message.slice(match[0].length).trim();
  const round = ROUND.exec(message);
  if (round) {
    const { round: number, rounds } = round.groups ?? {};
    return contribution(readDiscussion(rest(round)), agentName, Number(number), Number(rounds));
  }
  const close = CLOSE.exec(message);
  if (close) {
    const { group = '' } = close.groups ?? {};
    return summary(readDiscussion(rest(close)), group);
  }
  const reply = REPLY.exec(message);
  if (reply) {
    const { from } = reply.groups ?? {};
    return `${from} says: ${rest(reply) || '(nothing)'}`;
  }
  const direct = MESSAGE.exec(message);
  return direct ? topicOf(rest(direct)).lines[roleOf(agentName)].opening : null;
}

/** Reads `Question: …`, `Said so far:` and the `Speaker: text` lines under it; a line without a speaker goes on with the one before. */
function readDiscussion(text: string): Discussion {
  const lines = text.split('\n');
  const heading = lines.findIndex((line) => line.trim() === 'Said so far:');
  const question = lines.slice(0, heading < 0 ? lines.length : heading).join('\n');
  const said: Statement[] = [];
  for (const line of heading < 0 ? [] : lines.slice(heading + 1)) {
    const { speaker, words } = /^(?<speaker>[^:]{1,64}): (?<words>.*)$/.exec(line)?.groups ?? {};
    const before = said.at(-1);
    if (speaker && words !== undefined) said.push({ speaker: speaker.trim(), text: words });
    else if (before) said[said.length - 1] = { ...before, text: `${before.text} ${line}`.trim() };
  }
  return { question: question.replace(/^\s*Question:/, '').trim(), said };
}

function contribution({ question, said }: Discussion, agentName: string, round: number, rounds: number): string {
  if (round > ROUNDS_WITH_SOMETHING_TO_SAY) return NO_REPLY;
  const topic = topicOf(question);
  const role = roleOf(agentName);
  const other = said.findLast(({ speaker }) => !sameName(speaker, agentName));
  if (round < 2 || !other) return topic.lines[role].opening;
  const answer = `${other.speaker} said “${firstWords(ownWords(other.text), 60)}”. ${topic.lines[role].followUp}`;
  return round === rounds ? `${answer}${conclusion(topic, role)}` : answer;
}

/** A statement without the quotation it begins with, so that nobody quotes a quotation. */
function ownWords(text: string): string {
  return text.replace(/^[^“”\n]{1,64} said “[^“”\n]{0,200}”\. /, '');
}

/** One of them is enough to conclude. */
function conclusion(topic: Topic, role: Role): string {
  return role === 'coordinator' ? ` My conclusion: ${topic.conclusion}` : '';
}

/** For the person who asked: who said what, and what follows. */
function summary({ question, said }: Discussion, group: string): string {
  const topic = topicOf(question);
  const speakers = [...new Set(said.map(({ speaker }) => speaker))];
  if (speakers.length === 0) return `Nobody in "${group}" had anything to say about ${topic.name}.`;
  const lines = speakers.map((name) => {
    const first = said.find(({ speaker }) => speaker === name);
    return `- ${name}: ${firstWords(firstSentence(first?.text ?? ''), 160)}`;
  });
  return [
    `${joinNames(speakers)} discussed ${topic.name} in "${group}" (scripted demo):`,
    ...lines,
    `In short: ${topic.conclusion}`,
  ].join('\n');
}
