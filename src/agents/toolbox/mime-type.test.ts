import { describe, expect, it } from 'vitest';
import { mimeTypeOf } from './mime-type.ts';

const PNG = '\x89PNG\r\n\x1a\n and more';

describe('the type of a file', () => {
  it.each([
    ['photo.jpg', '\xff\xd8\xff\xe0', 'image/jpeg'],
    ['chart.png', PNG, 'image/png'],
    ['chart', PNG, 'image/png'],
    ['sticker.webp', 'RIFF\n\0\0\0WEBPVP8 ', 'image/webp'],
    ['sound.wav', 'RIFF\n\0\0\0WAVEfmt ', 'application/octet-stream'],
    ['film.mp4', '\0\0\0\x20ftypisom', 'video/mp4'],
    ['film.mov', '\0\0\0\x14ftypqt  ', 'application/octet-stream'],
    ['song.m4a', '\0\0\0\x20ftypM4A ', 'audio/mp4'],
    ['song.mp3', 'ID3\x04', 'audio/mpeg'],
    ['song.mp3', '\xff\xfb\x90', 'audio/mpeg'],
    ['voice.ogg', `OggS${'\0'.repeat(24)}OpusHead`, 'audio/ogg; codecs=opus'],
    ['voice.ogg', `OggS${'\0'.repeat(24)}\x01vorbis`, 'application/octet-stream'],
    ['plan.pdf', '%PDF-1.7', 'application/pdf'],
    ['notes.txt', 'hello', 'text/plain'],
    ['TABLE.CSV', 'a,b', 'text/csv'],
    ['report.docx', 'PK\x03\x04', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['sheet.xlsx', 'PK\x03\x04', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
    ['all.zip', 'PK\x03\x04', 'application/octet-stream'],
    ['no-picture.png', 'hello', 'application/octet-stream'],
    ['nothing', '', 'application/octet-stream'],
  ])('[WHA-05] %s, which begins with %j, is %s', (name, content, type) => {
    expect(mimeTypeOf(name, Buffer.from(content, 'latin1'))).toBe(type);
  });
});
