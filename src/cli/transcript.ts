import { z } from 'zod';
import type { AgentId } from '../domain/addresses.ts';
import { CHAT_IN, CHAT_OUT, chatInSchema, chatOutSchema } from '../domain/chat.ts';
import { ParleyError } from '../domain/errors.ts';
import type { Message } from '../domain/message.ts';

/** One thing that was said to one listener. */
export interface Line {
  readonly who: string;
  readonly to: string;
  readonly text: string;
  /** Of the message or envelope that said it. */
  readonly id: string;
  readonly hop: number;
}

/** What an agent lets be seen of an envelope that it has opened. */
interface Opened {
  readonly id: string;
  readonly from: { readonly agentName: string };
  readonly intent: string;
  readonly payload: unknown;
}

/** How agents tell each other who they are: not part of a conversation. */
const INTRODUCTIONS: readonly string[] = ['announce', 'identity'];

const spoken = z.union([
  z.string(),
  z.object({ text: z.string() }).transform(({ text }) => text),
  z.object({ question: z.string() }).transform(({ question }) => question),
  z
    .object({ group: z.object({ name: z.string(), members: z.array(z.object({ name: z.string() })) }) })
    .transform(({ group }) => `${group.name}: ${group.members.map(({ name }) => name).join(', ')}`),
]);

/** Everything that is said in a conversation, by people and agents, as it happens. */
export class Transcript {
  readonly #names: ReadonlyMap<string, string>;
  readonly #print: (line: Line) => void;
  readonly #heard = new Set<string>();
  readonly #contributors = new Set<string>();
  #answers = 0;
  #summaries = 0;
  #question: string | null = null;
  #changed: () => void = () => undefined;

  constructor(agents: readonly { readonly id: AgentId; readonly name: string }[], print: (line: Line) => void) {
    this.#names = new Map(agents.map(({ id, name }) => [id, name]));
    this.#print = print;
  }

  /** An agent has opened an envelope. */
  readonly opened = (agent: AgentId, { id, from, intent, payload }: Opened, hop: number): void => {
    const text = spoken.safeParse(payload);
    if (INTRODUCTIONS.includes(intent) || !text.success) return;
    if (intent === 'group-answer') this.#contributors.add(from.agentName);
    this.#add({ who: from.agentName, to: this.#nameOf(agent), text: text.data, id, hop });
  };

  /** The spool has accepted what a person said, or what is said to one. */
  readonly accepted = ({ id, payload, trace, replyTo }: Message): void => {
    if (payload.type === CHAT_IN) {
      const { sender, account, text } = chatInSchema.parse(payload.data);
      this.#question = id;
      this.#add({ who: sender.name ?? sender.id, to: this.#nameOf(account), text, id, hop: trace.hop });
    } else if (payload.type === CHAT_OUT) {
      const { peer, speaker, text } = chatOutSchema.parse(payload.data);
      if (peer.kind === 'dm' && replyTo === this.#question) this.#answers++;
      else if (peer.kind === 'dm' && trace.root === this.#question) this.#summaries++;
      this.#add({ who: speaker.name, to: peer.name ?? 'You', text, id, hop: trace.hop });
    }
  };

  /** Whether the last thing that the person said was answered. */
  isAnswered(): boolean {
    return this.#answers > 0;
  }

  /** Whether these agents have contributed to what the person asked, and the person has got the summary. */
  isDiscussedBy(names: readonly string[]): boolean {
    return this.#summaries > 0 && names.every((name) => this.#contributors.has(name));
  }

  /** Resolves when it is so. Throws DEMO_FAILED when the signal aborts before. */
  async until(isSo: () => boolean, giveUp: AbortSignal): Promise<void> {
    while (!isSo()) {
      if (giveUp.aborted) throw new ParleyError('DEMO_FAILED', 'The conversation did not come to its end in time.');
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
        giveUp.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#answers = 0;
  }

  #add(line: Line): void {
    const key = `${line.id} ${line.to}`;
    if (this.#heard.has(key))
      throw new ParleyError('DEMO_FAILED', `${line.who} said something to ${line.to} twice: ${line.id}`);
    this.#heard.add(key);
    this.#print(line);
    this.#changed();
  }

  #nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }
}
