/*
 * An agent on a hub, and somebody who gives it tasks. Start a hub first: npm run hub
 * In a project of your own, import from 'parleyd/client'.
 */
import { HubClient, HubError } from '../src/client/index.ts';

const { HUB_URL = 'http://localhost:8090', HUB_SECRET } = process.env;
const hub = new HubClient({ url: HUB_URL, secret: HUB_SECRET });

// It comes back by itself when the hub was away, and does no task twice.
const agent = hub.join({
  name: 'word-counter',
  skills: ['counting'],
  onTask: ({ message, sender }) => {
    const words = message.match(/\S+/g);
    if (!words) throw new Error('there is nothing to count');
    console.log(`A task from ${sender}: ${message}`);
    return words.length;
  },
  onState: ({ status }) => console.log(status),
});
await agent.ready;

// All below can be done by whoever knows the secret, from anywhere.
for (const { name, skills } of await hub.agents()) console.log(`${name} can do ${skills.join(', ')}.`);

const words = await hub.task('word-counter', 'how many words are these', { sender: 'admin' });
console.log(`It has ${words} words.`);

try {
  await hub.task('word-counter', ' ', { sender: 'admin' });
} catch (error) {
  if (!(error instanceof HubError && error.code === 'agent-failed')) throw error;
  console.log(`It failed: ${error.message}`);
}

// What is in hand is answered before it leaves.
await agent.stop();
