import type { BusinessNumber } from './business.ts';
import type { GraphApi } from './graph-api.ts';

const APP_SECRET = 'secret-of-the-app';
const VERIFY_TOKEN = 'token-to-verify';

/** What the `.env` of a Parley has that is one of these numbers. */
export const cloudVariables = (api: GraphApi, number: BusinessNumber) => ({
  PLATFORM: 'whatsapp',
  WHATSAPP_MODE: 'cloud-api',
  WHATSAPP_PHONE_NUMBER_ID: number.phoneNumberId,
  WHATSAPP_ACCESS_TOKEN: number.accessToken,
  WHATSAPP_APP_SECRET: APP_SECRET,
  WHATSAPP_VERIFY_TOKEN: VERIFY_TOKEN,
  WHATSAPP_GRAPH_URL: api.url,
});

/** Has the webhooks go to a Parley with those variables. */
export const subscribe = (api: GraphApi, parley: string): Promise<void> =>
  api.webhooks.subscribe({ url: new URL('/webhooks/whatsapp', parley).href, appSecret: APP_SECRET }, VERIFY_TOKEN);
