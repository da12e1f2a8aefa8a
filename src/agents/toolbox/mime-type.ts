import { posix } from 'node:path';

/** What says by its first bytes what it is, read as Latin-1, whatever it is called. */
const BY_CONTENT: readonly (readonly [RegExp, string])[] = [
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^\x89PNG\r\n/, 'image/png'],
  [/^RIFF.{4}WEBP/s, 'image/webp'],
  [/^.{4}ftyp(?:isom|iso\d|mp4[12]|avc1|dash|MSNV)/s, 'video/mp4'],
  [/^.{4}ftypM4A /s, 'audio/mp4'],
  [/^(?:ID3|\xff[\xf2\xf3\xfa\xfb])/, 'audio/mpeg'],
  // What else there is in Ogg, WhatsApp does not play.
  [/^OggS.{24}OpusHead/s, 'audio/ogg; codecs=opus'],
  [/^%PDF-/, 'application/pdf'],
];

const OFFICE = 'application/vnd.openxmlformats-officedocument';

/** Documents that WhatsApp knows and that are archives, or text, inside. */
const BY_NAME: ReadonlyMap<string, string> = new Map([
  ['.txt', 'text/plain'],
  ['.md', 'text/markdown'],
  ['.csv', 'text/csv'],
  ['.json', 'application/json'],
  ['.docx', `${OFFICE}.wordprocessingml.document`],
  ['.xlsx', `${OFFICE}.spreadsheetml.sheet`],
  ['.pptx', `${OFFICE}.presentationml.presentation`],
]);

/** As far as the bytes go that are looked at. */
const HEAD_BYTES = 64;

/** Of what type a file is. What only has the name of a picture is none: shown as one, it would be broken. */
export function mimeTypeOf(name: string, content: Uint8Array): string {
  const head = Buffer.from(content.subarray(0, HEAD_BYTES)).toString('latin1');
  const [, found] = BY_CONTENT.find(([signature]) => signature.test(head)) ?? [];
  return found ?? BY_NAME.get(posix.extname(name).toLowerCase()) ?? 'application/octet-stream';
}
