import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider';

/** What the scripted model looks at in the prompt it is given. */
export interface Situation {
  readonly agentName: string;
  /** What the last message of the user says. */
  readonly lastMessage: string;
  /** The result that the model's last tool call gave, when it is the model's turn to speak about it. */
  readonly toolResult: { readonly tool: string; readonly output: unknown } | null;
  /** The tools it may call. */
  readonly tools: ReadonlySet<string>;
  /** The groups that were spoken of so far, the latest last. */
  readonly groups: readonly string[];
}

export function readPrompt({ prompt, tools = [] }: LanguageModelV4CallOptions, agentName: string): Situation {
  const users = prompt.filter((message) => message.role === 'user');
  return {
    agentName,
    lastMessage: users.map(textOf).at(-1)?.trim() ?? '',
    toolResult: toolResultOf(prompt.at(-1)),
    tools: new Set(tools.map(({ name }) => name)),
    groups: [
      ...prompt
        .map(textOf)
        .join('\n')
        .matchAll(/\bgroup "([^"\n]{1,80})"/gi),
    ].flatMap((match) => match[1] ?? []),
  };
}

function textOf(message: LanguageModelV4Message): string {
  if (message.role === 'system') return message.content;
  return message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

function toolResultOf(message: LanguageModelV4Message | undefined): Situation['toolResult'] {
  if (message?.role !== 'tool') return null;
  const result = message.content.findLast((part) => part.type === 'tool-result');
  return result ? { tool: result.toolName, output: outputOf(result.output) } : null;
}

function outputOf(output: LanguageModelV4ToolResultOutput): unknown {
  switch (output.type) {
    case 'json':
    case 'error-json':
      return output.value;
    case 'text':
      return parsed(output.value);
    case 'error-text':
      return { ok: false, error: output.value };
    case 'execution-denied':
      return { ok: false, error: output.reason ?? 'It was not allowed.' };
    case 'content':
      return parsed(output.value.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n'));
  }
}

/** What JSON says; a text that is none, as it is. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
