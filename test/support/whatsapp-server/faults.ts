import type { Accounts, Device } from './accounts.ts';
import type { EventLog, ServerEvent } from './events.ts';
import type { Network } from './network.ts';
import { stanza } from './stanza.ts';

/** What can go wrong, on purpose. Where a number is given, all its devices are meant. */
export class Faults {
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  /** The next `count` messages are taken and never acknowledged. They are delivered unless `deliver` is false. */
  loseAcks(count: number, { deliver = true }: { readonly deliver?: boolean } = {}): void {
    this.#network.messageFaults.loseAcks(count, deliver);
  }

  /** The next `count` messages are not taken, with this error in the acknowledgement (463: account restricted). */
  refuseWith(code: number, count = 1): void {
    this.#network.messageFaults.refuseWith(code, count);
  }

  /** The next `count` messages are acknowledged and never delivered. */
  drop(count = 1): void {
    this.#network.messageFaults.drop(count);
  }

  /** The last message to the number comes once more: now, or as soon as the device has said that it has it. */
  async redeliver(number: string, { after = 'now' }: { readonly after?: 'now' | 'receipt' } = {}): Promise<void> {
    await Promise.all(this.#devices(number).map((device) => this.#redeliver(device, after)));
  }

  /** While on, each message waits for the next one to the same device, which is delivered before it. */
  reorder(isOn: boolean): void {
    this.#network.deliveries.reorder(isOn);
  }

  /** No message is delivered to anybody, until `release`. */
  hold(): void {
    this.#network.deliveries.hold(true);
  }

  release(): void {
    this.#network.deliveries.hold(false);
  }

  /** The server ends the connection and says why: a code, or that another client has taken over. */
  streamError(number: string, reason: number | 'conflict'): void {
    const error =
      reason === 'conflict'
        ? stanza('stream:error', {}, [stanza('conflict', { type: 'replaced' })])
        : stanza('stream:error', { code: reason });
    for (const { session } of this.#devices(number)) session?.end(error);
  }

  /** The connection breaks without a word. */
  cut(number: string): void {
    for (const { session } of this.#devices(number)) session?.cut();
  }

  /** The connection breaks right after the `count`th event of this type and number from now on, before anything follows it. */
  cutAfter(number: string, type: ServerEvent['type'], count = 1): void {
    let left = count;
    const stop = this.#events.on((event) => {
      if (event.type !== type || event.number !== number) return;
      left -= 1;
      if (left > 0) return;
      stop();
      this.cut(number);
    });
  }

  /** All one-time prekeys of the number are gone, and its devices have not been told. */
  exhaustPrekeys(number: string): void {
    for (const { keys } of this.#devices(number)) keys.discard();
  }

  get #events(): EventLog {
    return this.#network.events;
  }

  #devices(number: string): readonly Device[] {
    const accounts: Accounts = this.#network.accounts;
    const devices = [...(accounts.byNumber(number)?.devices.values() ?? [])];
    if (devices.length === 0) throw new Error(`no device is linked to ${number}`);
    return devices;
  }

  async #redeliver(device: Device, after: 'now' | 'receipt'): Promise<void> {
    const { lastMessage, inbox } = device;
    if (!lastMessage) throw new Error(`nothing has been sent to ${device.account.number}`);
    const { key, stanza: message } = lastMessage;
    if (after === 'receipt') await new Promise<void>((resolve) => inbox.whenSettled(key, resolve));
    this.#network.deliveries.post(device, key, message);
  }
}
