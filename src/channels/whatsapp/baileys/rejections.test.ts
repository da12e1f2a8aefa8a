import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { withFailuresCaught } from './rejections.ts';

describe('failures that the library leaves to nobody', () => {
  it('[WHA-05] are told, and do not end the process', async () => {
    const failure = Promise.withResolvers<Error>();
    const emitter = withFailuresCaught(
      () => new EventEmitter(),
      (made) => made,
      failure.resolve,
    );
    emitter.on('node', async () => {
      throw new Error('Connection Closed');
    });
    emitter.emit('node');
    expect((await failure.promise).message).toBe('Connection Closed');
    expect(EventEmitter.captureRejections).toBe(false);
  });
});
