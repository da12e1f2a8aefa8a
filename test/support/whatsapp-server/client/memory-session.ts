import {
  type AuthenticationCreds,
  type AuthenticationState,
  initAuthCreds,
  type SignalDataSet,
  type SignalDataTypeMap,
  type SignalKeyStore,
} from 'baileys';

type Kind = keyof SignalDataTypeMap;
type Tables = { readonly [K in Kind]: Map<string, SignalDataTypeMap[K]> };

const KINDS = [
  'pre-key',
  'session',
  'sender-key',
  'sender-key-memory',
  'app-state-sync-key',
  'app-state-sync-version',
  'lid-mapping',
  'device-list',
  'tctoken',
  'identity-key',
] as const satisfies readonly Kind[];

/** What a client has to remember between connections, for as long as this process lives. */
export class MemorySession implements AuthenticationState {
  readonly creds: AuthenticationCreds = initAuthCreds();
  readonly #tables: Tables = {
    'pre-key': new Map(),
    session: new Map(),
    'sender-key': new Map(),
    'sender-key-memory': new Map(),
    'app-state-sync-key': new Map(),
    'app-state-sync-version': new Map(),
    'lid-mapping': new Map(),
    'device-list': new Map(),
    tctoken: new Map(),
    'identity-key': new Map(),
  };
  readonly keys: SignalKeyStore = {
    get: (kind, ids) => this.#read(kind, ids),
    set: (data) => this.#write(data),
  };

  /** As if they had been lost: nothing that others encrypt can be read until they begin new ones. */
  forgetSessions(): void {
    this.#tables.session.clear();
    this.#tables['sender-key'].clear();
  }

  #read<K extends Kind>(kind: K, ids: readonly string[]): { [id: string]: SignalDataTypeMap[K] } {
    const found: { [id: string]: SignalDataTypeMap[K] } = {};
    for (const id of ids) {
      const value = this.#tables[kind].get(id);
      if (value !== undefined) found[id] = value;
    }
    return found;
  }

  #write(data: SignalDataSet): void {
    for (const kind of KINDS) this.#replace(kind, data[kind] ?? {});
  }

  #replace<K extends Kind>(kind: K, values: { [id: string]: SignalDataTypeMap[K] | null }): void {
    for (const [id, value] of Object.entries(values)) {
      if (value === null || value === undefined) this.#tables[kind].delete(id);
      else this.#tables[kind].set(id, value);
    }
  }
}
