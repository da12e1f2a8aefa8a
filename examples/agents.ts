/*
 * Who is there: register agents, find them by what they can do, and tell all of them something.
 */
import { listAgents, openCoordinator } from '../src/index.ts';

await using coordinator = openCoordinator();
const { registry } = coordinator;

await registry.register({ id: 'atlas', capabilities: ['plan', 'delegate'], device: 'workstation' });
await registry.register({ id: 'nova', capabilities: ['research', 'summarize'], device: 'server' });
await registry.register({
  id: 'bolt',
  capabilities: ['code', 'research'],
  device: 'server',
  metadata: { team: 'core' },
});

for (const agent of registry.list()) {
  console.log(`${agent.id} [${agent.status}] can ${agent.capabilities.join(', ')} on ${agent.device}.`);
}

const researchers = registry.findByCapability('research').map(({ id }) => id);
console.log(`Ask about research: ${researchers.join(', ')}.`);

const notice = await coordinator.send({
  from: 'atlas',
  to: '*',
  subject: 'Maintenance',
  body: 'The build server restarts at noon.',
  payload: { type: 'broadcast' },
});
console.log(`Told ${notice.to.join(' and ')}.`);

await registry.deregister('bolt');
// The same, for a program that only wants to look.
const left = await listAgents({ capability: 'research' });
console.log(`Left for research: ${left.map(({ id }) => id).join(', ')}.`);
