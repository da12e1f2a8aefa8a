import { randomInt } from 'node:crypto';
import type { BinaryNode } from 'baileys';
import type { Account } from './accounts.ts';
import { stanza, timestamp } from './stanza.ts';

type Role = 'superadmin' | 'admin' | null;

export class Group {
  readonly id: string;
  subject: string;
  readonly creator: Account;
  readonly createdAt = timestamp();
  readonly #members = new Map<Account, Role>();

  constructor(id: string, subject: string, creator: Account) {
    this.id = id;
    this.subject = subject;
    this.creator = creator;
    this.#members.set(creator, 'superadmin');
  }

  get members(): readonly Account[] {
    return [...this.#members.keys()];
  }

  has(account: Account): boolean {
    return this.#members.has(account);
  }

  isAdmin(account: Account): boolean {
    return Boolean(this.#members.get(account));
  }

  add(account: Account): void {
    if (!this.#members.has(account)) this.#members.set(account, null);
  }

  remove(account: Account): void {
    this.#members.delete(account);
  }

  /** As answers and notifications have it. */
  node(): BinaryNode {
    const { lidJid: creator, jid: creator_pn } = this.creator;
    return stanza(
      'group',
      {
        id: this.id.replace(/@.*/, ''),
        subject: this.subject,
        creation: this.createdAt,
        creator,
        creator_pn,
        s_t: this.createdAt,
        s_o: creator,
        s_o_pn: creator_pn,
        addressing_mode: 'lid',
        size: this.#members.size,
      },
      [...this.#members].map(([account, role]) => participantNode(account, role)),
    );
  }
}

export class Groups {
  readonly #groups = new Map<string, Group>();

  create(subject: string, creator: Account): Group {
    const group = new Group(`12036300${randomInt(10 ** 10, 10 ** 11)}@g.us`, subject, creator);
    this.#groups.set(group.id, group);
    return group;
  }

  get(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  of(account: Account): readonly Group[] {
    return [...this.#groups.values()].filter((group) => group.has(account));
  }
}

export function participantNode(account: Account, role: Role = null): BinaryNode {
  return stanza('participant', { jid: account.lidJid, phone_number: account.jid, type: role ?? undefined });
}
