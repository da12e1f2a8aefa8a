import type { FastifyReply } from 'fastify';

interface GraphErrorKind {
  readonly status: number;
  readonly title: string;
}

/** Those that the server answers with by itself; a test can ask for others. */
const KINDS: ReadonlyMap<number, GraphErrorKind> = new Map([
  [100, { status: 400, title: 'Invalid parameter' }],
  [190, { status: 401, title: 'Access token has expired' }],
  [2635, { status: 400, title: 'Version not available' }],
  [131009, { status: 400, title: 'Parameter value is not valid' }],
  [131026, { status: 400, title: 'Message undeliverable' }],
  [131047, { status: 400, title: 'Re-engagement message' }],
  [131053, { status: 400, title: 'Media upload error' }],
  [131056, { status: 400, title: 'Pair rate limit hit' }],
  [132001, { status: 404, title: 'Template does not exist' }],
]);

/** An error of the Graph API. */
export class GraphError extends Error {
  readonly code: number;
  readonly status: number;
  readonly details: string;

  constructor(code: number, details = '', status = KINDS.get(code)?.status ?? 400) {
    super(`(#${code}) ${KINDS.get(code)?.title ?? 'Error'}`);
    this.code = code;
    this.status = status;
    this.details = details;
  }

  answer(reply: FastifyReply): FastifyReply {
    const { code, message, details } = this;
    const error_data = { messaging_product: 'whatsapp', details };
    return reply
      .code(this.status)
      .send({ error: { message, type: 'OAuthException', code, error_data, fbtrace_id: 'Atrace' } });
  }

  /** As it stands in the webhook of a status. */
  inWebhook(): object {
    return { code: this.code, title: this.message, message: this.message, error_data: { details: this.details } };
  }
}
