import fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { systemClock } from '../../../src/lib/clock.ts';
import {
  Business,
  type BusinessNumber,
  type BusinessOptions,
  type Group,
  type Person,
  type Taken,
} from './business.ts';
import type { GraphError } from './errors.ts';
import { Faults } from './faults.ts';
import { addGraphRoutes } from './routes.ts';
import { type WebhookAnswer, Webhooks } from './webhooks.ts';

/** What goes with what a person says. */
export interface Saying {
  readonly id?: string;
  /** Default: the first number that was added. */
  readonly to?: BusinessNumber;
  readonly group?: Group;
  /** The id of the message that it answers. */
  readonly answers?: string;
  /** Epoch milliseconds; default: now. */
  readonly at?: number;
}

/** The part of Meta's Graph API by which a business uses WhatsApp, on loopback. See README.md. */
export class GraphApi implements AsyncDisposable {
  readonly business: Business;
  readonly faults = new Faults();
  readonly webhooks = new Webhooks();
  readonly #options: BusinessOptions;
  readonly #app: FastifyInstance = fastify({ logger: false, bodyLimit: 128 * 1024 * 1024 });
  #url = '';

  private constructor(options: BusinessOptions) {
    this.#options = options;
    this.business = new Business(options);
    addGraphRoutes(this.#app, this.business, this.faults);
  }

  static async start(options: Partial<BusinessOptions> = {}): Promise<GraphApi> {
    const api = new GraphApi({ clock: systemClock, ...options });
    api.#url = await api.#app.listen({ host: '127.0.0.1', port: 0 });
    return api;
  }

  get url(): string {
    return this.#url;
  }

  /** A person says something, and its webhook is delivered: `content` is `{ type, [type]: … }` as webhooks have it. */
  async say(person: Person, content: object, saying: Saying = {}): Promise<WebhookAnswer> {
    this.business.openWindow(saying.group ?? person, saying.to);
    return await this.webhooks.deliver(this.messageValue(person, content, saying));
  }

  /** A person presses the button with this title under a message of ours. */
  async press(person: Person, { id: answers, from: to, request }: Taken, title: string): Promise<WebhookAnswer> {
    const { buttons } = withButtons.parse(request).interactive.action;
    const pressed = buttons.find(({ reply }) => reply.title === title);
    if (!pressed) throw new Error(`There is no button ${title}.`);
    const interactive = { type: 'button_reply', button_reply: pressed.reply };
    return await this.say(person, { type: 'interactive', interactive }, { answers, to });
  }

  /** What the webhook of a message says. */
  messageValue({ name, phone, userId }: Person, content: object, saying: Saying = {}): object {
    const { id = this.business.newMessageId(), to = this.business.number, group, answers, at = this.#now() } = saying;
    const message = {
      ...(phone !== null && { from: phone }),
      ...(userId !== null && { from_user_id: userId }),
      ...(group !== undefined && { group_id: group.group }),
      ...(answers !== undefined && { context: { from: to.displayNumber, id: answers } }),
      id,
      timestamp: seconds(at),
      ...content,
    };
    const ids = { ...(phone !== null && { wa_id: phone }), ...(userId !== null && { user_id: userId }) };
    return { ...changeOn(to), contacts: [{ profile: { name }, ...ids }], messages: [message] };
  }

  /** Tells by webhook what became of a message that was taken. */
  async tell(
    message: Taken,
    status: 'sent' | 'delivered' | 'read' | 'failed',
    error?: GraphError,
  ): Promise<WebhookAnswer> {
    return await this.webhooks.deliver(this.statusValue(message, status, error));
  }

  /** What the webhook of a status says. */
  statusValue({ id, from, to, request }: Taken, status: string, error?: GraphError): object {
    const told = {
      id,
      status,
      timestamp: seconds(this.#now()),
      recipient_id: 'group' in to ? to.group : (to.phone ?? to.userId),
      ...('group' in to && { recipient_type: 'group' }),
      biz_opaque_callback_data: request.biz_opaque_callback_data,
      ...(error && { errors: [error.inWebhook()] }),
    };
    return { ...changeOn(from), statuses: [told] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#app.server.closeAllConnections();
    await this.#app.close();
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

const withButtons = z.object({
  interactive: z.object({
    action: z.object({ buttons: z.array(z.object({ reply: z.object({ id: z.string(), title: z.string() }) })) }),
  }),
});

const changeOn = ({ displayNumber, phoneNumberId }: BusinessNumber): object => ({
  messaging_product: 'whatsapp',
  metadata: { display_phone_number: displayNumber, phone_number_id: phoneNumberId },
});

const seconds = (ms: number): string => String(Math.floor(ms / 1000));
