import { z } from 'zod';
import { RELAY_HEADERS } from '../protocol/relay-auth.ts';
import { REFUSALS } from './refusal.ts';
import { ackSchema, nackSchema, POLL_BOUNDS, registrationSchema } from './requests.ts';

type Document = { readonly [name: string]: unknown };

const bodyOf = (schema: z.ZodType): Document => json(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
const json = (schema: Document): Document => ({ 'application/json': { schema } });
const text = { type: 'string' };

const messageV2 = {
  type: 'object',
  description: 'A MessageV2. Fields that are not named here are kept.',
  required: ['id', 'version', 'from', 'to', 'timestamp'],
  properties: {
    id: text,
    version: { const: '2.0' },
    from: { ...text, description: 'The agent that signs.' },
    to: { ...text, description: 'An agent, or * for every active one but the sender.' },
    subject: text,
    body: text,
    timestamp: { ...text, format: 'date-time' },
    priority: { enum: ['critical', 'urgent', 'high', 'normal', 'low'] },
    routing: { type: 'object' },
    payload: { type: 'object' },
    metadata: { type: 'object' },
  },
};

const headers = Object.values(RELAY_HEADERS).map((name) => ({ in: 'header', name, required: true, schema: text }));
const inPath = (name: string): Document => ({ in: 'path', name, required: true, schema: text });
const inQuery = (
  name: string,
  { least, most, otherwise }: (typeof POLL_BOUNDS)[keyof typeof POLL_BOUNDS],
): Document => ({
  in: 'query',
  name,
  description: `Beyond the bounds, the nearest: ${least} to ${most}.`,
  schema: { type: 'integer', default: otherwise },
});

const poller: Document = {
  in: 'query',
  name: 'poller',
  description:
    'Names whoever polls, one poll after the other. What its last poll was handed out and it has not settled by the next, it never got.',
  schema: text,
};

const errors = Object.fromEntries(
  [...new Set(Object.values(REFUSALS).map(({ status }) => status))].map((status) => [
    status,
    { $ref: '#/components/responses/refused' },
  ]),
);

function signed(summary: string, answer: readonly string[], request: Document): Document {
  const properties = Object.fromEntries(answer.map((name) => [name, {}]));
  const done = { description: 'Done, and durable.', content: json({ type: 'object', properties }) };
  return { summary, parameters: headers, ...request, responses: { 200: done, ...errors } };
}

const posted = (schema: Document): Document => ({ requestBody: { required: true, content: schema } });

/** The OpenAPI 3.1 document of the relay. */
export function openApi(): Document {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley relay',
      version: '1',
      description:
        'X-Signature is HMAC-SHA256, in hex, over <body>:<timestamp>:<nonce>, or POLL:<agent>:<timestamp>:<nonce>, or STATUS:<id>:<timestamp>:<nonce>.',
    },
    paths: {
      '/api/v1/send': {
        post: signed('Put a message into a mailbox.', ['message_id', 'status', 'duplicate'], posted(json(messageV2))),
      },
      '/api/v1/poll/{agent}': {
        get: signed('Take messages out of your mailbox.', ['messages', 'count'], {
          parameters: [
            ...headers,
            inPath('agent'),
            inQuery('limit', POLL_BOUNDS.limit),
            inQuery('lease', POLL_BOUNDS.leaseSeconds),
            inQuery('wait', POLL_BOUNDS.waitSeconds),
            poller,
          ],
        }),
      },
      '/api/v1/ack': { post: signed('A message is done.', ['message_id', 'status'], posted(bodyOf(ackSchema))) },
      '/api/v1/nack': { post: signed('Give a message back.', ['message_id', 'status'], posted(bodyOf(nackSchema))) },
      '/api/v1/status/{id}': {
        get: signed('What has become of a message.', ['message_id', 'status', 'deliveries'], {
          parameters: [...headers, inPath('id')],
        }),
      },
      '/api/v1/agents/register': {
        post: signed('Say who you are.', ['agent_id', 'status'], posted(bodyOf(registrationSchema))),
      },
      '/api/v1/health': {
        get: { summary: 'Whether the relay runs.', responses: { 200: { description: 'It does.' } } },
      },
    },
    components: {
      responses: {
        refused: {
          description: `One of ${Object.keys(REFUSALS).join(', ')}.`,
          content: json({ type: 'object', properties: { error: text, code: text, hint: text } }),
        },
      },
    },
  };
}
