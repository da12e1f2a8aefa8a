import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/manual-clock.ts';
import { type EventSink, HEARTBEAT_MS, MAX_BUFFERED_BYTES, streamEvents } from './event-stream.ts';
import { LiveFeed } from './live-feed.ts';

class Client implements EventSink {
  readonly written: string[] = [];
  readonly calls: string[] = [];
  /** Whether it takes what is written to it. */
  reads = true;
  #close = (): void => {};

  get writableLength(): number {
    return this.reads ? 0 : this.written.join('').length;
  }
  write(text: string): void {
    this.written.push(text);
  }
  end(): void {
    this.calls.push('end');
  }
  destroy(): void {
    this.calls.push('destroy');
  }
  once(_event: 'close', listener: () => void): void {
    this.#close = listener;
  }
  goAway(): void {
    this.#close();
  }
}

function open() {
  const feed = new LiveFeed();
  const clock = new ManualClock();
  const client = new Client();
  const end = streamEvents(client, (listener) => feed.subscribe(listener), clock);
  return { feed, clock, client, end };
}

describe('the stream of events', () => {
  it('[RUN-01] each event is one SSE message with its number, whatever line breaks its text has', () => {
    const { feed, client } = open();
    feed.publish({ kind: 'notice', text: 'one\n\ndata: two' });
    expect(client.written.at(-1)).toBe('id: 1\ndata: {"kind":"notice","text":"one\\n\\ndata: two","seq":1}\n\n');
  });

  it('[RUN-01] a silent stream is kept open by comments', () => {
    const { clock, client } = open();
    const before = client.written.length;
    clock.advance(HEARTBEAT_MS - 1);
    expect(client.written).toHaveLength(before);
    clock.advance(1 + 2 * HEARTBEAT_MS);
    const beats = client.written.slice(before);
    expect(beats).toHaveLength(3);
    expect(beats.every((beat) => beat.startsWith(':'))).toBe(true);
  });

  it('[SEC-05] a client that does not read is let go before it fills the memory', () => {
    const { feed, clock, client } = open();
    client.reads = false;
    const text = 'x'.repeat(10_000);
    for (let count = 0; count < 1000; count++) feed.publish({ kind: 'notice', text });
    expect(client.calls).toEqual(['destroy']);
    expect(client.writableLength).toBeLessThan(MAX_BUFFERED_BYTES + 2 * text.length);
    expect(clock.armed).toBe(0);
  });

  it.each([
    ['the client goes away', (stream: ReturnType<typeof open>) => stream.client.goAway()],
    ['the server ends it', (stream: ReturnType<typeof open>) => stream.end()],
  ])('[RUN-04] nothing is left behind when %s', (_how, finish) => {
    const stream = open();
    finish(stream);
    const before = stream.client.written.length;
    stream.feed.publish({ kind: 'notice', text: 'late' });
    stream.clock.advance(10 * HEARTBEAT_MS);
    expect(stream.client.written).toHaveLength(before);
    expect(stream.clock.armed).toBe(0);
  });
});
