/** What to do when WhatsApp has closed a connection. */
export type CloseAction =
  /** Connect again at once: nothing is wrong. */
  | 'at-once'
  /** Connect again after a while, longer each time. */
  | 'retry'
  /** Leave it: coming back would make it worse, or cannot work. */
  | 'stop'
  /** The device is linked no more: forget its keys, and offer to link it anew. */
  | 'link-again';

export interface CloseCode {
  readonly action: CloseAction;
  /** In words, for whoever runs the account. */
  readonly reason: string;
}

/** The codes of WhatsApp Web that are known, as seen with Baileys (`DisconnectReason`) and in its stream errors. */
const CLOSE_CODES: ReadonlyMap<number, CloseCode> = new Map<number, CloseCode>([
  [401, { action: 'link-again', reason: 'the phone has removed this device' }],
  [403, { action: 'link-again', reason: 'WhatsApp has closed this account to linked devices' }],
  [405, { action: 'stop', reason: 'WhatsApp does not accept this version of the library any more: update Parley' }],
  [408, { action: 'retry', reason: 'the connection was lost' }],
  [411, { action: 'link-again', reason: 'the phone does not take part in multi-device linking' }],
  [428, { action: 'retry', reason: 'the connection was closed' }],
  [440, { action: 'stop', reason: 'another program has connected as this device' }],
  [463, { action: 'retry', reason: 'WhatsApp restricts this account for writing to too many strangers' }],
  [500, { action: 'retry', reason: 'WhatsApp could not make sense of the session' }],
  [503, { action: 'retry', reason: 'WhatsApp is not available' }],
  [515, { action: 'at-once', reason: 'WhatsApp asked for a new connection' }],
]);

/** What a close code means; one that is not known is taken for a passing trouble. */
export function closeCode(code: number): CloseCode {
  return CLOSE_CODES.get(code) ?? { action: 'retry', reason: `the connection was closed with code ${code}` };
}
