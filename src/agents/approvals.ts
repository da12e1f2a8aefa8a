import type { ToolSet } from 'ai';
import { z } from 'zod';
import { conversationId } from '../domain/addresses.ts';
import type { Approval } from '../domain/approval.ts';
import type { ChatPlace } from '../domain/chat.ts';
import { deriveId } from '../lib/ids.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { choicesOf } from './approval-choices.ts';
import { approvalEvent } from './approval-decisions.ts';
import { describeRequest } from './approval-words.ts';
import type { AgentContext } from './context.ts';
import type { Effects } from './effects.ts';

/** Where tools are called, and for whom. */
interface Caller {
  readonly place: ChatPlace;
  readonly person: string;
}

/** What the model is told instead of a result. */
interface Waiting {
  readonly ok: false;
  readonly waiting: true;
  readonly approval: number;
  readonly note: string;
}

/** The same tools, but a call of one that is named here only asks for approval. What does not run here cannot be held back, and is left out. */
export function withApproval(
  context: AgentContext,
  effects: Effects,
  tools: ToolSet,
  names: ReadonlySet<string>,
  caller: Caller,
): ToolSet {
  const requests = new Requests(context, effects, caller);
  return Object.fromEntries(
    Object.entries(tools)
      .filter(([name, { execute }]) => !names.has(name) || execute !== undefined)
      .map(([name, tool]) =>
        names.has(name) ? [name, { ...tool, execute: (input: unknown) => requests.ask(name, input) }] : [name, tool],
      ),
  );
}

/** What is asked for in one turn. */
class Requests {
  readonly #context: AgentContext;
  readonly #effects: Effects;
  readonly #caller: Caller;
  /** By tool and input: a model that asks again because it got no result asks for the same. */
  readonly #asked = new Map<string, Promise<Waiting>>();

  constructor(context: AgentContext, effects: Effects, caller: Caller) {
    this.#context = context;
    this.#effects = effects;
    this.#caller = caller;
  }

  ask(tool: string, given: unknown): Promise<Waiting> {
    const input = jsonOf(given);
    const key = canonicalJson([tool, input]);
    const answer = this.#asked.get(key) ?? this.#request(tool, input, `approval:${this.#asked.size}`);
    this.#asked.set(key, answer);
    return answer;
  }

  async #request(tool: string, input: Json, label: string): Promise<Waiting> {
    const { card, approvals, approvers, approvalTimeoutMs, audit } = this.#context;
    const { place, person: askedBy } = this.#caller;
    const effects = this.#effects;
    const number = await approvals.reserve();
    effects.fork((trace) => {
      const { now, conversation } = effects;
      const shown = approvers(place).map((to, index) => ({ to, label: `${label}:notice:${index}` }));
      const approval: Approval = {
        ...{ number, id: effects.id(label), agent: card.id, tool, input, place, askedBy, conversation, trace },
        notices: shown.map((notice) => effects.id(notice.label)),
        ...{ askedAt: now, expiresAt: now + approvalTimeoutMs, status: 'waiting', decidedBy: null, why: null },
      };
      effects.write(approvals.add(approval));
      effects.write(audit.entry(approvalEvent('asked', approval, card.id)));
      const choices = choicesOf(number);
      for (const notice of shown) {
        effects.say(notice.to, describeRequest(approval, card.name), { label: notice.label, choices });
      }
      // In a conversation of its own: nothing that people say waits for it, or is taken to have been said before it.
      const alone = conversationId(deriveId('conv', approval.id, 'expiry'));
      effects.remind(`${label}:expiry`, alone, approval.expiresAt, { kind: 'approval', approval: approval.id });
    });
    const note = 'A person has to approve this; you are told when they have.';
    return { ok: false, waiting: true, approval: number, note };
  }
}

/** As it is kept: a tool's input has come as JSON, and `undefined` is what was left out of it. */
const jsonOf = (input: unknown): Json => z.json().parse(JSON.parse(JSON.stringify(input ?? {})));
