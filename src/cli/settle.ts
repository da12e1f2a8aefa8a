import type { SpoolOptions } from './options.ts';
import { printResult } from './output.ts';
import { withSpool } from './with-spool.ts';

export interface AckOptions extends SpoolOptions {
  readonly token?: string;
}

export interface NackOptions extends AckOptions {
  readonly reason: string;
  /** Seconds. */
  readonly delay?: number;
}

/** `parley ack`: the message is done. */
export async function ack(id: string, agent: string, options: AckOptions): Promise<void> {
  await withSpool(options, (spool) => spool.ack(id, agent, tokenOf(options)));
  printResult({ id, agent, status: 'acked' }, options, () => `Acknowledged: ${id}`);
}

/** `parley nack`: the message is handed out again, or becomes a dead letter. */
export async function nack(id: string, agent: string, options: NackOptions): Promise<void> {
  const { reason, delay } = options;
  const status = await withSpool(options, (spool) =>
    spool.nack(id, agent, { reason, ...(delay !== undefined && { delaySeconds: delay }), ...tokenOf(options) }),
  );
  printResult({ id, agent, status }, options, () =>
    status === 'queued'
      ? `Given back: ${id}. It will be delivered again.`
      : `Given up: ${id}. That was its last attempt; see it with: parley dlq show ${id}`,
  );
}

const tokenOf = ({ token }: AckOptions): { token?: string } => (token === undefined ? {} : { token });
