/*
 * A worker: takes messages as they come, and passes on what it made of each. The ack and what it gave rise to are one step: after a
 * crash in between, the message comes again, and its result is not sent twice.
 */
import { openCoordinator } from '../src/index.ts';

await using coordinator = openCoordinator();

for (const [id, ...capabilities] of [['client'], ['worker', 'summarize'], ['archive', 'store']] as const) {
  await coordinator.registry.register({ id, capabilities, device: 'laptop' });
}
for (const body of ['The first report.', 'A second, longer report.', '']) {
  await coordinator.send({ from: 'client', to: 'worker', subject: 'Summarize', body });
}

// A real worker runs until it is told to stop: give the same signal to Ctrl-C.
const stop = new AbortController();

for await (const received of coordinator.consume('worker', { signal: stop.signal })) {
  const { message, attempt, maxAttempts } = received;
  if (message.body === '') {
    console.log(`Attempt ${attempt} of ${maxAttempts}: there is nothing to summarize.`);
    await received.nack('the report is empty', 0);
    if (attempt === maxAttempts) stop.abort();
    continue;
  }
  const summary = `${message.body.split(' ').length} words`;
  await received.ack([
    {
      from: 'worker',
      to: message.from,
      subject: `Re: ${message.subject}`,
      body: summary,
      routing: { reply_to: message.id },
    },
    { from: 'worker', to: 'archive', subject: 'Keep this', body: `${message.id}: ${summary}` },
  ]);
  console.log(`Summarized ${message.id}: ${summary}.`);
}

const answers = await coordinator.poll('client');
console.log(`The client has ${answers.length} answers.`);
for (const { message, reason, attempts } of coordinator.deadLetters()) {
  console.log(`${message.id} was given up after ${attempts} attempts: ${reason}.`);
}
