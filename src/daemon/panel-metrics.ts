import { agentOf } from '../domain/addresses.ts';
import { CHAT_IN, chatInSchema } from '../domain/chat.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';
import type { Clock } from '../lib/clock.ts';
import type { Spool } from '../spool/spool.ts';

/** How an agent of a panel has done since the start. */
export interface PanelFigures {
  readonly panel: string;
  readonly agent: string;
  readonly outcome: DeliveryStatus;
  readonly answers: number;
  /** From when a message was accepted to when the agent was done with it, added up. */
  readonly seconds: number;
}

/** More panels and agents than these are not counted apart: what counts must not grow without end. */
const MOST_SERIES = 2_000;

/** Counts what the agents of panels do, for Prometheus. */
export class PanelMetrics {
  readonly #series = new Map<string, PanelFigures>();
  readonly #off: () => void;

  constructor(spool: Pick<Spool, 'on' | 'message'>, clock: Clock) {
    this.#off = spool.on('settled', ({ message: id, to, status }) => {
      const agent = agentOf(to);
      const message = agent === null ? null : spool.message(id);
      if (agent === null || message?.payload.type !== CHAT_IN) return;
      const { panel } = chatInSchema.parse(message.payload.data);
      if (panel && (status === 'acked' || status === 'failed' || status === 'expired')) {
        this.#count(panel.peer, agent, status, (clock.now() - message.acceptedAt) / 1000);
      }
    });
  }

  figures(): readonly PanelFigures[] {
    return [...this.#series.values()];
  }

  stop(): void {
    this.#off();
  }

  #count(panel: string, agent: string, outcome: DeliveryStatus, seconds: number): void {
    const key = JSON.stringify([panel, agent, outcome]);
    const before = this.#series.get(key);
    if (!before && this.#series.size >= MOST_SERIES) return;
    const { answers = 0, seconds: spent = 0 } = before ?? {};
    this.#series.set(key, { panel, agent, outcome, answers: answers + 1, seconds: spent + seconds });
  }
}
