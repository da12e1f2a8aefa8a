import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const HEADER = /^sha256=([0-9a-f]{64})$/i;

/** Whether `header`, the X-Hub-Signature-256 of a webhook, is the HMAC-SHA256 of these very bytes under the app secret. Never throws. */
export function isSigned(body: Uint8Array, header: unknown, appSecret: string): boolean {
  const signature = typeof header === 'string' ? HEADER.exec(header)?.[1] : undefined;
  if (signature === undefined) return false;
  return timingSafeEqual(Buffer.from(signature, 'hex'), createHmac('sha256', appSecret).update(body).digest());
}

/** Whether two secrets are the same. How long it takes tells nothing about either, not even its length. */
export function isSameSecret(given: string, expected: string): boolean {
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
