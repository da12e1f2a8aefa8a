/** FIN and the opcode of text: RFC 6455, section 5.2. */
const WHOLE_TEXT = 0x81;

/** A WebSocket frame as a server writes it, for whoever writes the same to many. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([header(payload.length), payload]);
}

function header(length: number): Buffer {
  if (length < 126) return Buffer.from([WHOLE_TEXT, length]);
  const isLong = length > 0xffff;
  const bytes = Buffer.alloc(isLong ? 10 : 4);
  bytes.set([WHOLE_TEXT, isLong ? 127 : 126]);
  bytes.writeUIntBE(length, isLong ? 4 : 2, isLong ? 6 : 2);
  return bytes;
}
