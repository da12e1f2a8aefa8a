/* The agents of ../relay.ts in a process of their own: address of the server, their secrets. Told a work, how many in flight and for how long, it does it. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { newId } from '../../src/lib/ids.ts';
import { pollSubject, RELAY_HEADERS, relaySignature } from '../../src/protocol/relay-auth.ts';
import { documents } from '../document.ts';
import { quantile } from '../statistics.ts';
import { AGENTS, type Done, type Told, toldSchema } from './protocol.ts';

const [url = '', ...secrets] = process.argv.slice(2);
const secretOf = new Map(AGENTS.map((agent, number) => [agent, secrets[number] ?? 'none']));
const connections = new Agent({ keepAlive: true });
const source = documents();
let nonces = 0;

interface Polled {
  readonly messages: readonly { readonly id: unknown; readonly lease_token?: string }[];
}

/** Signed for both servers: so the client has the same work with both. */
async function ask(agent: string, method: string, operation: string, subject: string, body = ''): Promise<unknown> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = `${process.pid}-${nonces++}`;
  const asking = request(new URL(`api/v1/${operation}`, url), {
    method,
    agent: connections,
    headers: {
      [RELAY_HEADERS.agent]: agent,
      [RELAY_HEADERS.timestamp]: timestamp,
      [RELAY_HEADERS.nonce]: nonce,
      [RELAY_HEADERS.signature]: relaySignature(secretOf.get(agent) ?? '', subject, timestamp, nonce),
      ...(body !== '' && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    },
  });
  asking.end(body);
  const [answered] = await once(asking, 'response');
  const said = await json(answered);
  if (answered.statusCode !== 200) throw new Error(`a request was refused: ${JSON.stringify(said)}`);
  return said;
}

async function send(agent: string): Promise<void> {
  const document = source.next().value;
  const body = JSON.stringify({
    id: newId('msg', Date.now()),
    version: '2.0',
    from: agent,
    to: agent,
    subject: document.conversation,
    body: JSON.stringify(document),
    timestamp: new Date().toISOString(),
    routing: { conversation_id: document.conversation },
  });
  await ask(agent, 'POST', 'send', body, body);
}

async function cycle(agent: string): Promise<void> {
  await send(agent);
  const { messages } = (await ask(agent, 'GET', `poll/${agent}?limit=1`, pollSubject(agent))) as Polled;
  for (const { id, lease_token } of messages) {
    const body = JSON.stringify({ message_id: id, lease_token });
    await ask(agent, 'POST', 'ack', body, body);
  }
}

async function work({ work, inFlight, ms }: Told): Promise<Done> {
  const start = performance.now();
  const end = start + ms;
  const latencies: number[] = [];
  const loop = async (agent: string): Promise<void> => {
    for (let now = performance.now(); now < end; ) {
      await (work === 'send' ? send(agent) : cycle(agent));
      const before = now;
      now = performance.now();
      latencies.push(now - before);
    }
  };
  await Promise.all(AGENTS.slice(0, inFlight).map(loop));
  return {
    count: latencies.length,
    perSecond: (latencies.length * 1000) / (performance.now() - start),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

process.send?.('ready');
process.on('message', async (told) => process.send?.(await work(toldSchema.parse(told))));
process.once('disconnect', () => process.exit());
