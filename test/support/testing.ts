/* What `parleyd/testing` offers: WhatsApp on your own machine, for the tests of programs that use it. */

export { connectPerson, type MessageStatus, type SayOptions, type WhatsAppPerson } from './whatsapp-person.ts';
export { createRoot } from './whatsapp-server/certificate.ts';
export type { ReceivedMedia, ReceivedMessage } from './whatsapp-server/client/received-message.ts';
export type { ServerEvent } from './whatsapp-server/events.ts';
export type { Faults } from './whatsapp-server/faults.ts';
export {
  type Phone,
  type SentMessage,
  startWhatsAppServer,
  type WhatsAppServer,
  type WhatsAppServerOptions,
} from './whatsapp-server/server.ts';
