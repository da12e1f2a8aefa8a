import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Business, BusinessNumber, Taken } from './business.ts';
import { GraphError } from './errors.ts';
import type { Faults } from './faults.ts';
import { sha256Of } from './media-store.ts';
import { requestSchema } from './message-schemas.ts';

const OLDEST_VERSION = 24;

const numberPath = z.object({ number: z.string() });
const mediaPath = z.object({ media: z.string() });
const mediaQuery = z.strictObject({ phone_number_id: z.string().optional() });

/** The endpoints by which a business uses WhatsApp. */
export function addGraphRoutes(app: FastifyInstance, business: Business, faults: Faults): void {
  app.addContentTypeParser(/^multipart\//, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof GraphError) return error.answer(reply);
    return new GraphError(100, error instanceof Error ? error.message : '').answer(reply);
  });
  app.setNotFoundHandler((_request, reply) => new GraphError(100, 'Unknown path components.').answer(reply));
  app.addHook('onRequest', async (request) => {
    const { version } = z.object({ version: z.string().optional() }).parse(request.params);
    const major = Number(/^v(\d+)\.0$/.exec(version ?? `v${OLDEST_VERSION}.0`)?.[1] ?? 0);
    if (major < OLDEST_VERSION) throw new GraphError(2635);
  });
  addMessageRoute(app, business, faults);
  addMediaRoutes(app, business);
}

function addMessageRoute(app: FastifyInstance, business: Business, faults: Faults): void {
  app.post('/:version/:number/messages', async (request, reply) => {
    business.asked += 1;
    const number = numberInPath(request, business);
    const parsed = requestSchema.safeParse(request.body);
    if (!parsed.success) throw new GraphError(100, z.prettifyError(parsed.error));
    if ('status' in parsed.data) {
      business.read.push(parsed.data);
      return { success: true };
    }
    const fault = await faults.take();
    if (fault?.kind === 'error') throw fault.error;
    if (fault?.kind === 'page') return reply.code(fault.status).type('text/html').send('<html></html>');
    if (fault?.kind === 'lose' && !fault.accept) return hangUp(request, reply);
    const taken = business.take(number, parsed.data);
    return fault?.kind === 'lose' ? hangUp(request, reply) : acceptanceOf(taken);
  });
}

function addMediaRoutes(app: FastifyInstance, business: Business): void {
  app.post('/:version/:number/media', async (request) => {
    numberInPath(request, business);
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
    const { id } = await business.media.upload(body, request.headers['content-type'] ?? '');
    return { id };
  });
  app.get('/:version/:media', async (request) => {
    const { phoneNumberId } = holderOfToken(request, business);
    const { phone_number_id = phoneNumberId } = mediaQuery.parse(request.query);
    if (phone_number_id !== phoneNumberId) throw new GraphError(100, 'The file belongs to another number.');
    const { id, mime, bytes } = business.media.find(mediaPath.parse(request.params).media);
    const url = `http://${request.host}/files/content/${id}`;
    const described = { url, mime_type: mime, sha256: sha256Of(bytes), file_size: bytes.length, id };
    return { messaging_product: 'whatsapp', ...described };
  });
  app.get('/files/content/:media', async (request, reply) => {
    business.media.downloads += 1;
    holderOfToken(request, business);
    const { bytes, mime } = business.media.find(mediaPath.parse(request.params).media);
    return reply.type(mime).send(Buffer.from(bytes));
  });
}

/** The number that is named in the path, by whoever has its token. */
function numberInPath(request: FastifyRequest, business: Business): BusinessNumber {
  const number = holderOfToken(request, business);
  const path = numberPath.parse(request.params);
  if (path.number === number.phoneNumberId) return number;
  throw new GraphError(100, `Object with ID '${path.number}' does not exist.`);
}

function holderOfToken({ headers }: FastifyRequest, business: Business): BusinessNumber {
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  const number = business.holderOf(token);
  // Meta quotes the token, too.
  if (!number) throw new GraphError(190, `Malformed access token ${token}`);
  return number;
}

function acceptanceOf({ id, request: { to, recipient } }: Taken): object {
  const contact = to === undefined ? { input: recipient, user_id: recipient } : { input: to, wa_id: to };
  return { messaging_product: 'whatsapp', contacts: [contact], messages: [{ id }] };
}

/** Breaks the connection instead of an answer. */
function hangUp(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack();
  request.raw.socket.destroy();
  return reply;
}
