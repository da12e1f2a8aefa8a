import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { estimateTokens } from '../tokens.ts';
import { answerAfterApproval } from './approval.ts';
import { type Command, understandCommand } from './command.ts';
import { answerAmongAgents } from './discussion.ts';
import { planOf } from './plan.ts';
import { readPrompt, type Situation } from './prompt.ts';
import { smallTalk } from './small-talk.ts';
import { answerFromTool } from './tool-answer.ts';

type Action = { readonly say: string } | { readonly call: Command };

/**
 * A model that follows a script: it needs no key and no network, understands a few sentences, calls the real tools for them, and
 * says so when it does not understand. The same prompt always gives the same answer.
 */
export function demoModel({ agentName }: { readonly agentName: string }): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'demo',
    modelId: 'scripted-demo',
    supportedUrls: {},
    async doGenerate(options) {
      const action = decide(readPrompt(options, agentName));
      return { content: [contentOf(action, options)], ...ending(action, options), warnings: [] };
    },
    async doStream(options) {
      const action = decide(readPrompt(options, agentName));
      return { stream: ReadableStream.from(streamParts(action, options)) };
    },
  };
}

function decide(situation: Situation): Action {
  const { agentName, lastMessage, toolResult, tools } = situation;
  if (toolResult) return { say: answerFromTool(toolResult) };
  const afterApproval = answerAfterApproval(lastMessage);
  if (afterApproval !== null) return { say: afterApproval };
  const amongAgents = answerAmongAgents(lastMessage, agentName);
  if (amongAgents !== null) return { say: amongAgents };
  const command = planOf(lastMessage, agentName) ?? understandCommand(lastMessage, situation);
  if (!command) return { say: smallTalk(lastMessage, agentName) };
  if (!tools.has(command.tool))
    return { say: `I understood that, but I have not been given the tool for it (${command.tool}).` };
  return { call: command };
}

function contentOf(action: Action, options: LanguageModelV4CallOptions): LanguageModelV4Content {
  return 'say' in action ? { type: 'text', text: action.say } : toolCall(action.call, options);
}

function toolCall({ tool, input }: Command, { prompt }: LanguageModelV4CallOptions): LanguageModelV4ToolCall {
  // The prompt only grows, so its length makes an id that no other call in this conversation has.
  return { type: 'tool-call', toolCallId: `demo-${prompt.length}`, toolName: tool, input: JSON.stringify(input) };
}

function* streamParts(action: Action, options: LanguageModelV4CallOptions): Generator<LanguageModelV4StreamPart> {
  yield { type: 'stream-start', warnings: [] };
  if ('say' in action) {
    yield { type: 'text-start', id: 'text' };
    for (const word of action.say.split(/(?<= )/)) yield { type: 'text-delta', id: 'text', delta: word };
    yield { type: 'text-end', id: 'text' };
  } else {
    yield toolCall(action.call, options);
  }
  yield { type: 'finish', ...ending(action, options) };
}

function ending(
  action: Action,
  { prompt }: LanguageModelV4CallOptions,
): { finishReason: LanguageModelV4FinishReason; usage: LanguageModelV4Usage } {
  const input = estimateTokens(JSON.stringify(prompt));
  const output = estimateTokens('say' in action ? action.say : JSON.stringify(action.call));
  const unified = 'say' in action ? 'stop' : 'tool-calls';
  return {
    finishReason: { unified, raw: unified },
    usage: {
      inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: output, text: output, reasoning: 0 },
    },
  };
}
