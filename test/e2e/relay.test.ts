import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CommandLine, type LongRun } from '../cli/parley.ts';
import { freePort } from '../support/daemon-process.ts';

const sentSchema = z.object({ id: z.string() });
const polledSchema = z.object({
  messages: z.array(z.object({ message: z.object({ id: z.string(), body: z.string() }) })),
});
const statusSchema = z.object({ deliveries: z.array(z.object({ status: z.string(), reason: z.string().nullable() })) });

type Env = Readonly<Record<string, string>>;

/** One of several machines: a folder with a database of its own. */
class Machine implements AsyncDisposable {
  readonly line = new CommandLine();
  readonly #env: Env;
  readonly #running: LongRun[] = [];

  constructor(env: Env = {}) {
    this.#env = env;
  }

  async parley(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.line.run(args, { env: this.#env });
    if (code !== 0) throw new Error(`parley ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }

  async json(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.parley(...args, '--json'));
  }

  async send(from: string, to: string, body: string): Promise<string> {
    return sentSchema.parse(await this.json('send', from, to, body)).id;
  }

  /** The bodies of what is in a mailbox. */
  async poll(agent: string): Promise<string[]> {
    return polledSchema.parse(await this.json('poll', agent)).messages.map(({ message }) => message.body);
  }

  /** Waits for the next message to an agent; its body. */
  async next(agent: string): Promise<string> {
    const line = await this.parley('poll', agent, '--wait', '--limit', '1', '--json');
    return polledSchema.shape.messages.element.parse(JSON.parse(line)).message.body;
  }

  async statusOf(id: string): Promise<string | undefined> {
    return statusSchema.parse(await this.json('status', id)).deliveries[0]?.status;
  }

  start(...args: readonly string[]): LongRun {
    const run = this.line.start(args, { env: this.#env });
    this.#running.push(run);
    return run;
  }

  /** Runs a relay; its address. */
  async relay(port: number): Promise<{ readonly url: string; readonly run: LongRun }> {
    const run = this.start('relay', 'start', '--port', String(port));
    const [, url = ''] = await run.until('stdout', /The relay is running: (\S+)\n/);
    return { url, run };
  }

  async secret(agent: string): Promise<string> {
    return (await this.parley('relay', 'gen-secret', agent)).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#running) run.signal('SIGTERM');
    await Promise.all(this.#running.map(({ ended }) => ended));
    this.line[Symbol.dispose]();
  }
}

async function stop(run: LongRun): Promise<void> {
  run.signal('SIGTERM');
  expect(await run.ended).toMatchObject({ code: 0, stderr: '' });
}

const local = ['-c', 'code', '-d', 'local'];
const at = (url: string) => ['--transport-type', 'http', '--relay-url', url];

describe('the deployment patterns of docs/guides/relay.md', () => {
  it('[REL-01] [RUN-02] 1: a single machine', async () => {
    await using machine = new Machine();
    for (const agent of ['agent-a', 'agent-b']) await machine.parley('register', agent, ...local);
    await machine.send('agent-a', 'agent-b', 'Hello');
    expect(await machine.poll('agent-b')).toEqual(['Hello']);
  });

  it('[REL-01] [REL-02] [REL-04] 2: two machines, there and back', async () => {
    await using b = new Machine();
    const { url } = await b.relay(0);
    const secret = await b.secret('agent-a');
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(await b.parley('relay', 'list-secrets')).not.toContain(secret);
    await b.parley('register', 'agent-b', ...local);
    await b.parley('register', 'agent-a', '-c', 'code', '-d', 'machine-a');

    await using a = new Machine({ AGENT_COMM_SECRET_agent_a: secret });
    await a.parley('register', 'agent-a', ...local);
    await a.parley('register', 'agent-b', ...at(url));
    const id = await a.send('agent-a', 'agent-b', 'There');
    expect(await a.statusOf(id)).toBe('acked');
    expect(await b.next('agent-b')).toBe('There');

    const link = a.start('link', '--pull', `agent-a=${url}`);
    await link.until('stdout', /agent-a fetches from/);
    const answer = await b.send('agent-b', 'agent-a', 'And back');
    expect(await a.next('agent-a')).toBe('And back');
    await stop(link);
    expect(await b.statusOf(answer)).toBe('acked');
  });

  it('[REL-01] [REL-04] 3: local agents by the database, remote ones by a relay that may be down', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await using b = new Machine();
    await b.parley('register', 'remote-agent', ...local);
    await using a = new Machine({ 'AGENT_COMM_SECRET_local-agent': await b.secret('local-agent') });
    for (const agent of ['local-agent', 'other-agent']) await a.parley('register', agent, ...local);
    await a.parley('register', 'remote-agent', ...at(url));

    const waiting = [
      await a.send('local-agent', 'remote-agent', 'one'),
      await a.send('local-agent', 'remote-agent', 'two'),
    ];
    await a.send('local-agent', 'other-agent', 'here');
    expect(await a.poll('other-agent')).toEqual(['here']);
    for (const id of waiting) expect(await a.statusOf(id)).toBe('queued');

    const link = a.start('link');
    await link.until('stdout', /Linked/);
    const { run } = await b.relay(port);
    expect([await b.next('remote-agent'), await b.next('remote-agent')].toSorted()).toEqual(['one', 'two']);
    link.signal('SIGTERM');
    expect((await link.ended).code).toBe(0);
    for (const id of waiting) expect(await a.statusOf(id)).toBe('acked');
    await stop(run);
    expect(await b.poll('remote-agent')).toEqual([]);
  });
});

describe('parley with a relay', () => {
  it('[REL-03] [SEC-05] a sender without a secret sends nothing, neither there nor here', async () => {
    await using a = new Machine();
    await a.parley('register', 'agent-a', ...local);
    await a.parley('register', 'agent-b', ...at('http://127.0.0.1:9'));
    const { code, stderr } = await a.line.run(['send', 'agent-a', 'agent-b', 'Hello']);
    expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringContaining('AGENT_COMM_SECRET_agent_a') });
    expect(await a.json('stats')).toMatchObject({ total_messages: 0 });
  });

  it('[REL-01] what is for an agent elsewhere is not taken out here', async () => {
    await using a = new Machine();
    await a.parley('register', 'agent-b', ...at('http://127.0.0.1:9'));
    const { code, stderr } = await a.line.run(['poll', 'agent-b']);
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('http://127.0.0.1:9') });
  });

  it('[REL-03] rotates a secret', async () => {
    await using b = new Machine();
    await b.secret('agent-a');
    await b.parley('relay', 'rotate', 'agent-a', '--overlap', '2h');
    expect(await b.json('relay', 'list-secrets')).toMatchObject({
      secrets: [
        { agent: 'agent-a', ends_at: null },
        { agent: 'agent-a', ends_at: expect.stringMatching(/^\d{4}-/) },
      ],
    });
  });
});
