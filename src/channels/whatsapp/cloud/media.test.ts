import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Media } from '../../../domain/chat.ts';
import { ACCOUNT, type CloudFixture, openCloud } from './cloud.fixture.ts';
import { uploadOf } from './media.ts';

const MB = 1024 * 1024;

let cloud: CloudFixture;

beforeEach(async () => {
  cloud = await openCloud();
  await cloud.start();
});
afterEach(() => cloud[Symbol.asyncDispose]());

const mediaOf = (source: Media['source']): Media => ({ kind: 'image', mime: 'image/png', bytes: null, source });

/** A picture as it comes with a message. */
async function received(bytes: Uint8Array): Promise<Media> {
  const { id } = cloud.api.business.media.add(bytes, 'image/png');
  await cloud.api.say(cloud.person, { type: 'image', image: { id, mime_type: 'image/png', sha256: 'x' } });
  const media = cloud.arrivals[0]?.chat.media?.[0];
  if (!media) throw new Error('no picture came');
  return media;
}

describe('a file that came with a message', () => {
  it('[WHA-02] is fetched', async () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
    const fetched = await cloud.channel.fetch(ACCOUNT, await received(bytes), bytes.length);
    expect(Buffer.compare(fetched, bytes)).toBe(0);
  });

  it.each([
    ['has more bytes than are wanted', async () => ({ media: await received(Buffer.alloc(101)), max: 100 })],
    ['is gone', async () => ({ media: mediaOf({ id: '404' }), max: 100 })],
    ['came from elsewhere', async () => ({ media: mediaOf({ url: 'https://example.org' }), max: 100 })],
    ['has an id that leads elsewhere', async () => ({ media: mediaOf({ id: '../../me' }), max: 100 })],
  ])('[WHA-02] [SEC-05] cannot be fetched when it %s', async (_why, prepare) => {
    const { media, max } = await prepare();
    await expect(cloud.channel.fetch(ACCOUNT, media, max)).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
  });

  it('[WHA-02] that is too large is not even begun', async () => {
    const media = await received(Buffer.alloc(101));
    await expect(cloud.channel.fetch(ACCOUNT, media, 100)).rejects.toThrow('more than 100 bytes');
    expect(cloud.api.business.media.downloads).toBe(0);
    await cloud.channel.fetch(ACCOUNT, media, 101);
    expect(cloud.api.business.media.downloads).toBe(1);
  });

  it('[WHA-02] cannot be fetched by an account that is not there', async () => {
    await expect(cloud.channel.fetch('nobody', mediaOf({ id: '1' }), 1)).rejects.toMatchObject({
      code: 'MEDIA_UNAVAILABLE',
    });
  });

  it('[WHA-02] can be fetched later when WhatsApp is not there', async () => {
    const media = await received(Buffer.alloc(1));
    await cloud.api[Symbol.asyncDispose]();
    await expect(cloud.channel.fetch(ACCOUNT, media, 1)).rejects.toMatchObject({ code: 'CHANNEL_SEND_FAILED' });
  });
});

describe('a file is sent', () => {
  it.each([
    ['image/jpeg', 5 * MB, { kind: 'image', mime: 'image/jpeg' }],
    ['IMAGE/PNG', 1, { kind: 'image', mime: 'IMAGE/PNG' }],
    ['video/mp4', 16 * MB, { kind: 'video', mime: 'video/mp4' }],
    ['audio/ogg; codecs=opus', 1, { kind: 'audio', mime: 'audio/ogg; codecs=opus' }],
    ['application/pdf', 100 * MB, { kind: 'document', mime: 'application/pdf' }],
    ['text/markdown', 1, { kind: 'document', mime: 'text/plain' }],
    ['application/json', 1, { kind: 'document', mime: 'text/plain' }],
    ['image/svg+xml', 1, { kind: 'document', mime: 'text/plain' }],
  ])('[WHA-02] of the type %s with %i bytes as %j', (mime, bytes, upload) => {
    expect(uploadOf(mime, bytes)).toEqual({ ok: true, value: upload });
  });

  it.each([
    ['image/jpeg', 5 * MB + 1, 'images of 5 MB'],
    ['video/mp4', 16 * MB + 1, 'videos of 16 MB'],
    ['application/pdf', 100 * MB + 1, 'documents of 100 MB'],
    ['application/zip', 1, 'no files of the type application/zip'],
    ['', 1, 'no files of the type none'],
  ])('[WHA-02] not at all, of the type %s with %i bytes, and the reason is said', (mime, bytes, reason) => {
    expect(uploadOf(mime, bytes)).toEqual({ ok: false, error: expect.stringContaining(reason) });
  });
});
