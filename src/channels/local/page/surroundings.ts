import type { PhoneState } from '../wire.ts';
import { byId } from './dom.ts';
import { listed } from './text.ts';

/** What stands around the phone: whose it is, what the brains are, and which keys could be used. */
export function showBanners({ person, contacts, offers, notice }: PhoneState): void {
  byId('owner-phone', HTMLParagraphElement).textContent = `${person.name} · ${person.phone}`;
  const scripted = byId('scripted', HTMLParagraphElement);
  scripted.hidden = !contacts.some((contact) => contact.scripted);
  scripted.textContent =
    offers.length === 0
      ? 'Scripted demo model – no AI provider key is set'
      : 'Scripted demo model – no AI provider is used';
  showNotice(notice);
  showOffer(offers);
}

export function showNotice(text: string | null): void {
  const notice = byId('notice', HTMLOutputElement);
  notice.hidden = text === null;
  notice.textContent = text ?? '';
}

export function showLink(live: boolean): void {
  const link = byId('link-state', HTMLOutputElement);
  link.setAttribute('data-state', live ? 'live' : 'reconnecting');
  link.textContent = live ? 'live' : 'reconnecting…';
}

function showOffer(offers: readonly string[]): void {
  const offer = byId('offer', HTMLDivElement);
  const [first] = offers;
  const dismissed = `dismissed ${offers.join(' ')}`;
  offer.hidden = first === undefined || sessionStorage.getItem(dismissed) !== null;
  if (first === undefined) return;
  const [keys, are, they] = offers.length === 1 ? ['A key', 'is', 'It is'] : ['Keys', 'are', 'They are'];
  const command = document.createElement('code');
  command.textContent = `npm start -- --provider ${first}`;
  const text = `${keys} for ${listed.format(offers)} ${are} set. ${they} not used yet: stop and run `;
  byId('offer-text', HTMLParagraphElement).replaceChildren(text, command);
  byId('offer-dismiss', HTMLButtonElement).onclick = () => {
    sessionStorage.setItem(dismissed, '1');
    offer.hidden = true;
  };
}
