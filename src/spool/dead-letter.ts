import { systemAddress } from '../domain/addresses.ts';

/** Where the spool tells of dead letters: one message each, sent by the transaction that gave the delivery up. */
export const DEAD_LETTERS = systemAddress('dead-letters');
/** The payload type of such a message; its data is `{delivery, message, to, status, reason}`. */
export const DEAD_LETTER = 'dead-letter';
