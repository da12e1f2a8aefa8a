import { createInterface } from 'node:readline';
import { agentSecrets } from '../daemon/agent-secrets.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { PhoneClient } from '../daemon/phone-client.ts';
import { prepare } from '../daemon/run.ts';
import { ParleyError } from '../domain/errors.ts';
import type { RunOptions } from './options.ts';
import { printError, printLine } from './output.ts';

type State = NonNullable<Awaited<ReturnType<PhoneClient['state']>>>;
type Bubble = State['messages'][number];
/** A chat on the phone: with one agent, or a group. */
type Chat = { readonly name: string; readonly account: string; readonly peer: Bubble['peer'] };

/** After the last line of a script, how long nothing may happen before the chat ends, in milliseconds. */
const QUIET_MS = 1_500;

/** `parley chat`: the local chat in a terminal. Talks to a Parley that is running, or runs one for as long as the chat lasts. */
export async function chat({ to, ...options }: RunOptions & { to?: string }): Promise<void> {
  const { config, logger } = prepare(options);
  const { host } = config.http;
  const running = new PhoneClient(`http://${host.includes(':') ? `[${host}]` : host}:${config.http.port}/`);
  const found = options.provider ? null : await running.state();
  const daemon = found ? null : await startDaemon(config, { logger, secretOf: agentSecrets() });
  try {
    const client = daemon ? new PhoneClient(daemon.url) : running;
    const state = found ?? (await client.state());
    if (!state)
      throw new ParleyError('SPOOL_CLOSED', `Nothing answers at ${client.url}.`, {
        hint: 'Start Parley: parley start.',
      });
    await new TerminalChat(client, state, to).run();
  } finally {
    await daemon?.stop();
  }
}

class TerminalChat {
  readonly #client: PhoneClient;
  readonly #person: string;
  readonly #chats: Chat[];
  readonly #ended = new AbortController();
  readonly #terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: process.stdin.isTTY === true,
  });
  readonly #unread = new Set<string>();
  #present: Chat;
  #lastEvent = Date.now();

  constructor(client: PhoneClient, state: State, to: string | undefined) {
    this.#client = client;
    this.#person = state.person.id;
    this.#chats = state.contacts.map(({ account, agent }) => ({
      name: agent.name,
      account,
      peer: { kind: 'dm', id: state.person.id },
    }));
    for (const bubble of state.messages) this.#learn(bubble);
    const [first] = this.#chats;
    const present = to === undefined ? first : this.#find(to);
    if (!present)
      throw new ParleyError('AGENT_UNKNOWN', `There is nobody called ${to ?? 'anything'} to talk to.`, {
        hint: `There is ${this.#names()}.`,
      });
    this.#present = present;
    const scripted = state.contacts.filter((contact) => contact.scripted).map(({ agent }) => agent.name);
    if (scripted.length > 0) printLine(`${scripted.join(', ')}: scripted demo model, no AI provider is used.`);
    for (const { text } of state.suggestions) printLine(`Try: ${text}`);
  }

  /** Ends with /quit, Ctrl-C or Ctrl-D; when the input is not a terminal, once everything is answered. */
  async run(): Promise<void> {
    const following = this.#follow();
    this.#terminal.on('SIGINT', () => this.#terminal.close());
    this.#prompt();
    for await (const line of this.#terminal) {
      if (line.trim() === '/quit') break;
      if (line.trim() !== '') await this.#take(line.trim());
      this.#prompt();
    }
    if (!process.stdin.isTTY) await this.#untilQuiet();
    this.#ended.abort();
    this.#terminal.close();
    await following;
  }

  async #take(line: string): Promise<void> {
    if (line === '/who') return printLine(`You can talk to ${this.#names()}.`);
    if (line.startsWith('/to ')) {
      const chat = this.#find(line.slice('/to '.length));
      if (!chat) return printLine(`There is nobody called that. There is ${this.#names()}.`);
      this.#present = chat;
      return;
    }
    try {
      await this.#client.say(this.#present, line);
    } catch (error) {
      printError(error, { json: false });
    }
  }

  async #follow(): Promise<void> {
    for await (const event of this.#client.events(this.#ended.signal)) {
      this.#lastEvent = Date.now();
      if (event.kind === 'receipt') this.#note(event.id, event.receipt);
      if (event.kind !== 'bubble') continue;
      const { bubble } = event;
      this.#learn(bubble);
      if (bubble.mine) this.#note(bubble.id, bubble.receipt);
      else this.#show(bubble);
    }
  }

  #show({ author, peer, text }: Bubble): void {
    const where = peer.kind === 'group' ? ` [${peer.name ?? peer.id}]` : '';
    if (process.stdin.isTTY) process.stdout.write('\r\x1b[K');
    printLine(`${author.name}${where}: ${text}`);
    this.#prompt();
  }

  #note(id: string, receipt: Bubble['receipt']): void {
    if (receipt === 'read' || receipt === 'failed') this.#unread.delete(id);
    else this.#unread.add(id);
  }

  #prompt(): void {
    if (!process.stdin.isTTY) return;
    this.#terminal.setPrompt(`to ${this.#present.name}> `);
    this.#terminal.prompt(true);
  }

  /** Groups appear on the phone with their first message. */
  #learn({ account, peer }: Bubble): void {
    if (peer.kind !== 'group' || this.#chats.some((chat) => chat.peer.id === peer.id)) return;
    this.#chats.push({ name: peer.name ?? peer.id, account, peer });
  }

  #find(name: string): Chat | undefined {
    const wanted = name.trim().toLowerCase();
    return this.#chats.find(
      (chat) =>
        chat.name.toLowerCase() === wanted || (chat.account.toLowerCase() === wanted && chat.peer.id === this.#person),
    );
  }

  #names(): string {
    return this.#chats.map((chat) => chat.name).join(', ');
  }

  async #untilQuiet(): Promise<void> {
    while (this.#unread.size > 0 || Date.now() - this.#lastEvent < QUIET_MS) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
