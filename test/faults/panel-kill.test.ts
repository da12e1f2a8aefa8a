import type { FixtureResponse } from '@copilotkit/aimock';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { questionOf, writeSettings } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { FAULT_SCALE } from '../support/fault-scale.ts';
import { Phone } from '../support/phone.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { connectPerson } from '../support/whatsapp-person.ts';
import { startWhatsAppServer } from '../support/whatsapp-server/server.ts';

const AGENTS = ['Atlas', 'Nova', 'Bolt'] as const;
/** Its provider refuses everything: it can only say so. */
const BROKEN = 'Nova';
const NUMBER = '15550001';
const HUMAN = '15550003';
const LOCAL_PERSON = '+15550100';

const models = new LLMock({ port: 0 });
beforeAll(() => models.start());
afterAll(() => models.stop());

/** Where a life ends: when an agent's model is asked, or has answered. */
const BOUNDARIES = AGENTS.flatMap((agent) => (['asked', 'answered'] as const).map((when) => `${agent} ${when}`)).slice(
  0,
  FAULT_SCALE.panelBoundaries,
);
const listeners = new Set<(event: string) => void>();
const tell = (event: string): void => {
  for (const listener of [...listeners]) listener(event);
};
/** Whose models were asked about what, in order. */
let asked: string[] = [];

beforeEach(() => {
  models.reset();
  asked = [];
  models.addFixture({
    match: {},
    response: (request): FixtureResponse => {
      const { agent, text } = questionOf(request);
      asked.push(`${agent} ${text}`);
      tell(`${agent} asked`);
      setImmediate(() => tell(`${agent} answered`));
      if (agent === BROKEN) return { error: { message: 'no', type: 'invalid_request_error' }, status: 401 };
      return { content: `answer to ${text}` };
    },
  });
});

interface Chat extends AsyncDisposable {
  readonly folder: string;
  /** The same text again is the same message. Whoever dies of it may not have said that it was taken. */
  say(text: string, daemon: DaemonProcess): Promise<void>;
  /** Whether it has to be said again when it is not known that it was taken. */
  readonly forgets: boolean;
  /** Everything that was said to the person, each message once, in order. */
  heard(daemon: DaemonProcess): Promise<readonly string[]>;
}

function writePanel(folder: string, strategy: string, peer: string, env: Readonly<Record<string, string>>): void {
  const settings = {
    agents: { list: AGENTS.map((name) => ({ id: name.toLowerCase(), name })) },
    broadcast: { strategy, [peer]: AGENTS.map((name) => name.toLowerCase()) },
  };
  writeSettings(folder, `${models.url}/v1`, settings, {
    SECURITY_ENABLE_RATE_LIMIT: 'false',
    AGENT_COMM_LEASE_SECONDS: '5',
    ...env,
  });
}

async function localChat(strategy: string): Promise<Chat> {
  const { path: folder, remove } = temporaryFolder();
  writePanel(folder, strategy, LOCAL_PERSON, {});
  return {
    folder,
    forgets: true,
    say: async (text, { url }) => {
      const said = new Phone(url).say({ id: text.replaceAll(' ', '-'), account: 'atlas', text });
      await said.catch(() => undefined);
    },
    heard: async ({ url }) =>
      (await new Phone(url).state()).messages.filter(({ mine }) => !mine).map(({ text }) => text),
    [Symbol.asyncDispose]: async () => remove(),
  };
}

async function whatsAppChat(strategy: string): Promise<Chat> {
  const { path: folder, remove } = temporaryFolder();
  const server = await startWhatsAppServer();
  writePanel(folder, strategy, `+${HUMAN}`, {
    PLATFORM: 'whatsapp',
    WHATSAPP_WEB_URL: server.url,
    WHATSAPP_WEB_ROOT_KEY: server.rootKey,
    WHATSAPP_DEBOUNCE_MS: '0',
  });
  const pairing = new ParleyProcess(['pair', 'atlas', '--json'], { folder });
  const [, qr = ''] = await pairing.printed(/"qr":"([^"]+)"/);
  await server.scan(qr, NUMBER);
  await pairing.ended;
  const human = await connectPerson(server, HUMAN, 'Human');
  return {
    folder,
    forgets: false,
    say: async (text) => void (await human.say(NUMBER, text)),
    heard: async () => [...new Map(human.messages.map(({ id, text }) => [id, text])).values()],
    [Symbol.asyncDispose]: async () => {
      await human.stop();
      await server.stop();
      remove();
    },
  };
}

const answersTo = (texts: readonly string[]): string[] =>
  texts.flatMap((text) =>
    AGENTS.map((agent) => (agent === BROKEN ? `${agent}: I cannot answer` : `${agent}: answer to ${text}`)),
  );

const NAMES: readonly (string | undefined)[] = AGENTS;
const rankOf = (name: string | undefined): number => NAMES.indexOf(name);

/** Why an agent cannot answer does not matter here. */
const withoutReason = (text: string): string => text.replace(/^(\w+: I cannot answer).*$/s, '$1');

describe.each([
  { where: 'the local chat', open: localChat },
  { where: 'WhatsApp', open: whatsAppChat },
])('a panel on $where', ({ open }) => {
  it.each(['parallel', 'sequential'])(
    '[BRD-02] [BRD-03] [BRD-06] killed at every boundary, has exactly one answer of each agent, and the failure of one is told (%s)',
    async (strategy) => {
      await using chat = await open(strategy);
      const said: string[] = [];
      for (const boundary of BOUNDARIES) {
        await using daemon = await DaemonProcess.start({ folder: chat.folder });
        const reached = Promise.withResolvers<void>();
        const strike = (event: string): void => {
          if (event !== boundary) return;
          daemon.process.signal('SIGKILL');
          reached.resolve();
        };
        listeners.add(strike);
        const text = `question ${said.length}`;
        said.push(text);
        await chat.say(text, daemon);
        // A provider that has refused a moment ago is not asked again: then it dies without having come to that.
        const tooLate = setTimeout(reached.resolve, 5_000);
        await reached.promise;
        clearTimeout(tooLate);
        listeners.delete(strike);
        await daemon.kill();
      }
      await using daemon = await DaemonProcess.start({ folder: chat.folder });
      if (chat.forgets) for (const text of said) await chat.say(text, daemon);
      const expected = answersTo(said).sort();
      await expect
        .poll(async () => (await chat.heard(daemon)).length, { timeout: 60_000, interval: 100 })
        .toBe(expected.length);
      const heard = (await chat.heard(daemon)).map(withoutReason);
      expect([...heard].sort()).toEqual(expected);
      if (strategy === 'sequential') {
        for (const text of said) {
          const order = heard.filter((line) => line.endsWith(text)).map((line) => line.split(':')[0]);
          expect(order).toEqual(AGENTS.filter((agent) => agent !== BROKEN));
          // Nobody was asked before whoever comes before them was done.
          const turns = asked.filter((line) => line.endsWith(` ${text}`)).map((line) => line.split(' ')[0]);
          expect(turns).toEqual([...turns].sort((a, b) => rankOf(a) - rankOf(b)));
        }
      }
    },
    120_000,
  );
});
