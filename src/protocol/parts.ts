import { z } from 'zod';
import { isForeignId } from '../domain/addresses.ts';
import { deriveId } from '../lib/ids.ts';
import { MAX_ENVELOPE_BYTES } from './ai-comms-1.0.ts';
import { parseJson } from './bounded-json.ts';

/*
 * An envelope that is longer than one message of a chat may be travels in parts, each a message:
 * {"protocol":"ai-comms-part","version":"1.0","id":…,"part":1,"parts":3,"text":…}. Put together, the texts are the envelope; what it
 * says is verified then, so the parts need no signature of their own.
 */

const PROTOCOL = 'ai-comms-part';
const MOST_PARTS = 200;
/** What surrounds the text of a part, at most, in UTF-16 code units. */
const FRAME = 300;
/** The text of a part grows when it is written as JSON: an envelope is JSON itself, full of quotes. */
const GROWTH = 2;

const partSchema = z
  .object({
    protocol: z.literal(PROTOCOL),
    version: z.literal('1.0'),
    /** The same for all parts of one envelope. */
    id: z.string().max(100).refine(isForeignId),
    part: z.int().min(1).max(MOST_PARTS),
    parts: z.int().min(2).max(MOST_PARTS),
    text: z.string().min(1).max(MAX_ENVELOPE_BYTES),
  })
  .refine(({ part, parts }) => part <= parts);
export type EnvelopePart = z.output<typeof partSchema>;

/** The texts that carry an envelope, none longer than `longest` UTF-16 code units; one, when it fits. */
export function inParts(envelope: string, longest: number): readonly string[] {
  if (envelope.length <= longest) return [envelope];
  const size = Math.floor((longest - FRAME) / GROWTH);
  const id = deriveId('prt', envelope);
  const texts: string[] = [];
  for (let begin = 0; begin < envelope.length; begin += texts.at(-1)?.length ?? size) {
    texts.push(wellFormedStart(envelope.slice(begin, begin + size)));
  }
  const about = { protocol: PROTOCOL, version: '1.0', id };
  return texts.map((text, index) => JSON.stringify({ ...about, part: index + 1, parts: texts.length, text }));
}

/** Half a surrogate pair at the end is left for the next part. */
const wellFormedStart = (text: string): string => (text.isWellFormed() || text.length < 2 ? text : text.slice(0, -1));

/** The part that a text is; null when it is none. */
export function readPart(text: string): EnvelopePart | null {
  return partSchema.safeParse(parseJson(text)).data ?? null;
}
