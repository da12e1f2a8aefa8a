import { addressOf } from '../support/daemon-process.ts';
import { Phone } from '../support/phone.ts';
import type { ParleyProcess } from '../support/process.ts';
import type { DemoConversation } from './demo-conversation.ts';
import { type Doing, Interrupter, type Moment } from './interrupter.ts';

/** Goes on with the conversation until it is complete or the daemon gets the signal; returns what it was doing then. */
export async function talkUntil(
  moment: Moment,
  signal: NodeJS.Signals,
  daemon: ParleyProcess,
  conversation: DemoConversation,
): Promise<Doing | null> {
  const interrupter = new Interrupter(daemon, moment, signal);
  try {
    const phone = new Phone(await addressOf(daemon));
    const talk = async (): Promise<void> => {
      await conversation.goOn(phone, () => interrupter.hearWords());
      interrupter.callOff();
    };
    await Promise.all([talk(), interrupter.watch(phone)]);
  } catch (error) {
    // Whatever fails because of the signal is as it should be; nothing else may end it.
    if (interrupter.struck === null) throw error;
  }
  return interrupter.struck;
}
