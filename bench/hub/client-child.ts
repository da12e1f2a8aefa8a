/* The agents of ../hub.ts in a process of their own: address of the server, how many are idle, how many active. Told a work and for how long, it does it. */
import { ActiveAgents } from './active-agents.ts';
import { joinIdle } from './idle-agent.ts';
import { registration, sourceAddress, toldSchema } from './protocol.ts';

const [address = '', idle = '0', active = '0'] = process.argv.slice(2);
/** Connections that are being made at a time. */
const AT_ONCE = 16;

const start = performance.now();
let next = 0;
async function joinOthers(): Promise<void> {
  while (next < Number(idle)) {
    const number = next++;
    await joinIdle(new URL(address), sourceAddress(number), registration(`idle-${number}`));
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, joinOthers));
const seconds = (performance.now() - start) / 1000;
// Last, so that they do not hear of everybody else who comes.
const agents = await ActiveAgents.join(address, Number(active), (number) => sourceAddress(Number(idle) + number));
process.send?.({ seconds });

process.on('message', async (told) => {
  const { work, ms } = toldSchema.parse(told);
  process.send?.(await agents.work(work, ms));
});
process.once('disconnect', () => process.exit());
