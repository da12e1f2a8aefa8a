import { ParleyError } from '../domain/errors.ts';

/** What a body may have, in bytes. */
const MOST_BYTES = 1024 * 1024;

/** All of standard input as text, without the line feed at its end, which belongs to the line and not to the message. Throws MESSAGE_INVALID. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES)
      throw new ParleyError('MESSAGE_INVALID', `Standard input has more than ${MOST_BYTES} bytes.`, {
        hint: 'Put the content where the recipient can read it, and send its place.',
      });
    chunks.push(chunk);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return text.replace(/\r?\n$/, '');
  } catch (cause) {
    throw new ParleyError('MESSAGE_INVALID', 'Standard input is not UTF-8 text.', {
      hint: 'Convert it, for example with iconv or base64.',
      cause,
    });
  }
}
