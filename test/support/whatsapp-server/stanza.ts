import { type BinaryNode, getBinaryNodeChild, S_WHATSAPP_NET } from 'baileys';

/** What a client sent is not the protocol. Its connection is closed, and nobody else's. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** Attributes that are undefined are left out. */
type Attributes = Readonly<Record<string, string | number | undefined>>;

export function stanza(tag: string, attributes: Attributes = {}, content?: BinaryNode['content']): BinaryNode {
  const attrs: BinaryNode['attrs'] = {};
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) attrs[name] = String(value);
  return content === undefined ? { tag, attrs } : { tag, attrs, content };
}

/** The answer to a query. */
export function result(query: BinaryNode, ...content: readonly BinaryNode[]): BinaryNode {
  const attributes = { from: query.attrs['to'] ?? S_WHATSAPP_NET, type: 'result', id: attribute(query, 'id') };
  return stanza('iq', attributes, content.length > 0 ? [...content] : undefined);
}

/** The answer to a query that cannot be met, with a code as HTTP has them. */
export function failure(query: BinaryNode, code: number, text: string): BinaryNode {
  const attributes = { from: query.attrs['to'] ?? S_WHATSAPP_NET, type: 'error', id: attribute(query, 'id') };
  return stanza('iq', attributes, [stanza('error', { code, text })]);
}

export function attribute(node: BinaryNode, name: string): string {
  const value = node.attrs[name];
  if (!value) throw new ProtocolError(`<${node.tag}> has no ${name}`);
  return value;
}

export function child(node: BinaryNode, tag: string): BinaryNode {
  const found = getBinaryNodeChild(node, tag);
  if (!found) throw new ProtocolError(`<${node.tag}> has no <${tag}>`);
  return found;
}

export function firstChild(node: BinaryNode): BinaryNode {
  const [first] = childrenOf(node);
  if (!first) throw new ProtocolError(`<${node.tag}> is empty`);
  return first;
}

export function childrenOf({ content }: BinaryNode): readonly BinaryNode[] {
  return Array.isArray(content) ? content : [];
}

/** The bytes in a node, which must be so many if `length` is given. */
export function bytesOf(node: BinaryNode, length?: number): Buffer {
  const { tag, content } = node;
  if (!(content instanceof Uint8Array)) throw new ProtocolError(`<${tag}> holds no bytes`);
  if (length !== undefined && content.length !== length) {
    throw new ProtocolError(`<${tag}> holds ${content.length} bytes, not ${length}`);
  }
  return Buffer.from(content);
}

/** Seconds since 1970, as stanzas have the time. */
export function timestamp(): number {
  return Math.floor(Date.now() / 1000);
}
