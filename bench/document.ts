import { randomBytes } from 'node:crypto';

/** What agents say to each other, about; the length is that of its JSON, in bytes. */
export interface Document {
  readonly id: string;
  readonly conversation: string;
  readonly task: string;
  readonly parameters: { readonly model: string; readonly temperature: number; readonly tools: readonly string[] };
  readonly padding: string;
}

export const DOCUMENT_BYTES = 513;
const VARIANTS = 1000;

function makeDocument(number: number): Document {
  const document = {
    id: `doc_${randomBytes(8).toString('hex')}`,
    conversation: `conv-${number % 100}`,
    task: `Look through module ${number % 97}, say which of its tests fail and why, and propose what to do next.`,
    parameters: { model: 'm-large', temperature: 0.2, tools: ['search', 'read_file', 'run'] },
    padding: '',
  };
  const missing = DOCUMENT_BYTES - Buffer.byteLength(JSON.stringify(document));
  return { ...document, padding: randomBytes(missing).toString('base64').slice(0, missing) };
}

/** Documents without end: a thousand different ones, over and over. */
export function* documents(): Generator<Document, never> {
  const made = Array.from({ length: VARIANTS }, (_, number) => makeDocument(number));
  for (;;) yield* made;
}
