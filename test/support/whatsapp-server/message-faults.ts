/** What is to happen to the next messages that clients send. */
export class MessageFaults {
  #lostAcks = 0;
  #lostAcksDeliver = true;
  #refusals = 0;
  #refusalCode = 0;
  #drops = 0;

  /** The next `count` messages are taken, and delivered unless `deliver` is false, but never acknowledged. */
  loseAcks(count: number, deliver: boolean): void {
    this.#lostAcks = count;
    this.#lostAcksDeliver = deliver;
  }

  refuseWith(code: number, count: number): void {
    this.#refusalCode = code;
    this.#refusals = count;
  }

  drop(count: number): void {
    this.#drops = count;
  }

  /** What becomes of the message that came now. */
  next(): { readonly isAcknowledged: boolean; readonly isDelivered: boolean; readonly error: number | null } {
    if (this.#refusals > 0) {
      this.#refusals -= 1;
      return { isAcknowledged: true, isDelivered: false, error: this.#refusalCode };
    }
    if (this.#lostAcks > 0) {
      this.#lostAcks -= 1;
      return { isAcknowledged: false, isDelivered: this.#lostAcksDeliver, error: null };
    }
    if (this.#drops > 0) {
      this.#drops -= 1;
      return { isAcknowledged: true, isDelivered: false, error: null };
    }
    return { isAcknowledged: true, isDelivered: true, error: null };
  }
}
