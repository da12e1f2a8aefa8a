declare const transaction: unique symbol;

/** An open transaction of the database, opaque to all but the stores. */
export interface Tx {
  readonly [transaction]: true;
}

/**
 * A change to a store, to be made inside somebody else's transaction: this is how an agent's memory, a group or a chat log
 * commits together with the settling of the message that changed it. It may run more than once when the transaction has to be
 * tried again, so it does nothing but write to the transaction.
 */
export type Write = (tx: Tx) => void;
