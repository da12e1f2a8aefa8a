import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { ParleyError } from '../../../domain/errors.ts';
import type { CloudChannel } from './channel.ts';

/** The address that Meta is told. */
const PATH = '/webhooks/whatsapp';
/** Meta batches webhooks up to this many bytes. */
const MAX_WEBHOOK_BYTES = 3 * 1024 * 1024;

/** What Meta asks once, when the address is set up. */
const verificationSchema = z.object({
  'hub.mode': z.literal('subscribe'),
  'hub.verify_token': z.string(),
  'hub.challenge': z.string().regex(/^[\x21-\x7e]{1,500}$/),
});

/** Where Meta delivers its webhooks. It sends one again, for days, until it is answered with 200. */
export function cloudRoutes(channel: CloudChannel): FastifyPluginAsync {
  return async (app) => {
    // The signature is over the bytes: nothing looks at them before it was checked.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

    app.get(PATH, (request, reply) => {
      const verification = verificationSchema.safeParse(request.query).data;
      if (verification === undefined || !channel.isVerifyToken(verification['hub.verify_token'])) {
        return reply.code(403).send();
      }
      return reply.type('text/plain').header('x-content-type-options', 'nosniff').send(verification['hub.challenge']);
    });

    app.post(PATH, { bodyLimit: MAX_WEBHOOK_BYTES }, async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
      if (!channel.isFromMeta(body, request.headers['x-hub-signature-256'])) return reply.code(401).send();
      const webhook = parseJson(body);
      if (webhook === undefined) return reply.code(400).send();
      try {
        const { failed } = await channel.take(webhook);
        return reply.code(failed > 0 ? 500 : 200).send();
      } catch (error) {
        if (error instanceof ParleyError) return reply.code(503).send();
        throw error;
      }
    });
  };
}

/** undefined when it is not JSON. */
function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}
