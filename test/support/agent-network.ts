import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChatCompletionRequest, FixtureResponse } from '@copilotkit/aimock';

/** What agents of one network have in common. */
export interface Network {
  /** Where they have their folders and their database. */
  readonly folder: string;
  /** Of a server that speaks OpenAI's API. */
  readonly modelUrl: string;
}

export const databaseOf = ({ folder }: Network): string => join(folder, 'coordination.db');

/** Writes a `.env` such as the guides have it, in a folder of the agent's own; returns that folder. */
export function writeAgentFolder(
  network: Network,
  name: string,
  changes: Readonly<Record<string, string>> = {},
): string {
  const folder = join(network.folder, name.toLowerCase());
  writeVariables(folder, network.modelUrl, {
    AGENT_NAME: name,
    AGENT_ID: agentIdOf(name),
    PLATFORM: 'local',
    AGENT_COMM_DB_PATH: databaseOf(network),
    SECURITY_REQUIRE_AGENT_AUTH: 'true',
    SECURITY_ENCRYPTION_KEY: 'a key that the agents of the tests share too',
    ...changes,
  });
  return folder;
}

/** Writes a `parley.json5`, and an `.env` with what it takes beside it. */
export function writeSettings(
  folder: string,
  modelUrl: string,
  settings: object,
  variables: Readonly<Record<string, string>> = {},
): void {
  writeVariables(folder, modelUrl, variables);
  writeFileSync(join(folder, 'parley.json5'), JSON.stringify(settings));
}

function writeVariables(folder: string, modelUrl: string, variables: Readonly<Record<string, string>>): void {
  const all = {
    AI_PROVIDER: 'openai',
    OPENAI_API_KEY: 'not-a-key',
    OPENAI_BASE_URL: modelUrl,
    OPENAI_MODEL: 'test-model',
    SECURITY_AGENT_SECRET: 'a secret that the agents of the tests share',
    ...variables,
  };
  mkdirSync(folder, { recursive: true });
  const lines = Object.entries(all).map(([variable, value]) => `${variable}=${JSON.stringify(value)}\n`);
  writeFileSync(join(folder, '.env'), lines.join(''), { mode: 0o600 });
}

export const agentIdOf = (name: string): string => `${name.toLowerCase()}_001`;

/** What a model is asked: by whom, and what. */
export interface Question {
  readonly agent: string;
  /** The last thing that was said to it; empty when it is a tool's result. */
  readonly text: string;
}

export function questionOf({ messages }: ChatCompletionRequest): Question {
  const [system] = messages;
  const last = messages.at(-1);
  const [, agent = ''] = /^You are (\w+)\./.exec(typeof system?.content === 'string' ? system.content : '') ?? [];
  return { agent, text: last?.role === 'user' && typeof last.content === 'string' ? last.content : '' };
}

export const toolCall = (name: string, input: object): FixtureResponse => ({
  toolCalls: [{ name, arguments: JSON.stringify(input) }],
});

/** Has a model call the tool that it is told to, such as `tool:read | {"path":"a.txt"}`, and say what is `said` of its result, or of other words. */
export function obey(
  { messages }: ChatCompletionRequest,
  said: { readonly ofResult: (result: string) => string; readonly ofWords: (words: string) => string },
): FixtureResponse {
  const last = messages.at(-1);
  if (last?.role === 'tool') return { content: said.ofResult(String(last.content)) };
  const [order = '', input = '{}'] = String(last?.content ?? '').split(' | ');
  const [, tool] = /^tool:(.*)/.exec(order) ?? [];
  return tool === undefined ? { content: said.ofWords(order) } : toolCall(tool, JSON.parse(input));
}
