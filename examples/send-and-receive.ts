/*
 * Two agents and one message: register, send, poll, reply, ack.
 * Run it in any folder: the messages are in data/coordination.db there.
 */
import { openCoordinator } from '../src/index.ts';

await using coordinator = openCoordinator();

await coordinator.registry.register({ id: 'architect', capabilities: ['plan'], device: 'laptop' });
await coordinator.registry.register({ id: 'builder', capabilities: ['code', 'test'], device: 'laptop' });

const task = await coordinator.send({
  from: 'architect',
  to: 'builder',
  subject: 'Task: Auth Module',
  body: 'Please implement user authentication with JWT tokens.',
  priority: 'high',
  payload: { type: 'task_assignment', data: { task_id: 'auth-1', requirements: ['JWT'] } },
});
console.log(`Sent ${task.id} in conversation ${task.conversationId}.`);

// A poll takes a lease of five minutes: what is not acked by then is handed out again.
for (const { message } of await coordinator.poll('builder')) {
  console.log(`builder has "${message.subject}" from ${message.from}: ${message.body}`);
  await coordinator.send({
    from: 'builder',
    to: message.from,
    subject: `Re: ${message.subject}`,
    body: 'Done: PR #456 is ready for review.',
    routing: { reply_to: message.id },
    payload: { type: 'task_result', data: { task_id: 'auth-1', outcome: 'completed' } },
  });
  await coordinator.ack(message.id, 'builder');
}

for (const { message } of await coordinator.poll('architect')) {
  console.log(`architect has "${message.subject}": ${message.body}`);
  await coordinator.ack(message.id, 'architect');
}

const thread = coordinator.conversation(task.conversationId);
console.log(`The conversation has ${thread.length} messages, and the task is ${statusOf(task.id)}.`);

function statusOf(id: string): string {
  return (
    coordinator
      .status(id)
      ?.deliveries.map(({ status }) => status)
      .join(', ') ?? 'unknown'
  );
}
