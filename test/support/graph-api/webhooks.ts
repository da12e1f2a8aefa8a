import { createHmac } from 'node:crypto';

/** Where webhooks go, and the secret of the app that signs them. */
export interface Subscription {
  readonly url: string;
  readonly appSecret: string;
}

/** What the subscriber answered. */
export interface WebhookAnswer {
  readonly status: number;
  readonly body: string;
}

export const signatureOf = (body: string | Uint8Array, appSecret: string): string =>
  `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`;

/** Puts what happened on a number into the envelope of a webhook. */
export const webhookOf = (...values: readonly object[]): string =>
  JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: '1', changes: values.map((value) => ({ field: 'messages', value })) }],
  });

/** Delivers webhooks; one that is not answered with 200 is kept, as Meta keeps it. */
export class Webhooks {
  #subscription: Subscription | null = null;
  readonly #undelivered: string[] = [];

  /** Asks the subscriber to prove itself, as Meta does first. Rejects when it does not. */
  async subscribe(subscription: Subscription, verifyToken: string): Promise<void> {
    const url = new URL(subscription.url);
    const challenge = '1158201444';
    url.searchParams.set('hub.mode', 'subscribe');
    url.searchParams.set('hub.verify_token', verifyToken);
    url.searchParams.set('hub.challenge', challenge);
    const answer = await fetch(url);
    if (!answer.ok || (await answer.text()) !== challenge) throw new Error('The subscriber did not verify itself.');
    this.#subscription = subscription;
  }

  async deliver(...values: readonly object[]): Promise<WebhookAnswer> {
    return await this.#post(webhookOf(...values));
  }

  /** Delivers once more what was not taken; the answers. */
  async redeliver(): Promise<WebhookAnswer[]> {
    const answers: WebhookAnswer[] = [];
    for (const body of this.#undelivered.splice(0)) answers.push(await this.#post(body));
    return answers;
  }

  async #post(body: string): Promise<WebhookAnswer> {
    if (this.#subscription === null) throw new Error('Nobody has subscribed to the webhooks.');
    const { url, appSecret } = this.#subscription;
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signatureOf(body, appSecret) };
    const response = await fetch(url, { method: 'POST', headers, body });
    if (response.status !== 200) this.#undelivered.push(body);
    return { status: response.status, body: await response.text() };
  }
}
