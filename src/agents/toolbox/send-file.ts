import { posix } from 'node:path';
import { type ToolSet, tool } from 'ai';
import { z } from 'zod';
import type { MessageId } from '../../domain/addresses.ts';
import type { ChatPlace } from '../../domain/chat.ts';
import type { Workspace } from '../../sandbox/workspace.ts';
import type { Effects } from '../effects.ts';
import type { ToolAnswer } from '../groups.ts';
import { mimeTypeOf } from './mime-type.ts';

/** How an agent's files get into a chat. */
export interface FileSending {
  readonly workspace: Workspace;
  /** The largest file, in bytes. */
  readonly maxBytes: number;
  /** Why the chat takes no such file, in words; null: it does. */
  refusal(file: { readonly mime: string; readonly bytes: number }): string | null;
  /** Keeps a file for the message that it goes with, as it is now; where it is then. */
  keep(id: MessageId, content: Uint8Array): Promise<string>;
}

/** Sends files of the workspace in a chat, with the answer. */
export function sendingTools(sending: FileSending, effects: Effects, place: ChatPlace): ToolSet {
  const { workspace, maxBytes } = sending;
  let calls = 0;
  const send = async (path: string, caption: string, label: string, signal: AbortSignal): Promise<ToolAnswer> => {
    const content = await workspace.bytes(path, maxBytes, signal);
    if (!content.ok) return { ok: false, error: content.error };
    const bytes = content.value.length;
    if (bytes === 0) return { ok: false, error: 'The file is empty.' };
    const name = shownName(path);
    const mime = mimeTypeOf(name, content.value);
    const error = sending.refusal({ mime, bytes });
    if (error !== null) return { ok: false, error };
    // Before anything refers to it: what becomes of the file afterwards changes nothing of what is sent.
    const kept = await sending.keep(effects.id(label), content.value);
    effects.say(place, caption, { label, file: { path: kept, mime, name } });
    return { ok: true, sends: name, bytes };
  };
  return {
    send_file: tool({
      description: 'Send a file of the workspace to the chat in which you answer, as it is now.',
      inputSchema: z.object({
        path: z.string().min(1).describe('Relative to the workspace'),
        caption: z.string().trim().max(1_000).default('').describe('A text that goes with it'),
      }),
      execute: ({ path, caption }, { abortSignal = new AbortController().signal }) =>
        send(path, caption, `file:${calls++}`, abortSignal),
    }),
  };
}

/** What people see of a path; nothing in it is invisible, or turns the direction of writing. */
const shownName = (path: string): string => posix.basename(posix.normalize(path)).replace(/\p{C}/gu, '_');
