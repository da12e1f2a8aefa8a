import type { Tool } from 'ai';

export interface ToolCall {
  readonly id: string;
  readonly signal: AbortSignal;
}

/** Calls a tool as the AI SDK does when a model asks for it, with an input that has been checked. Rejects as the tool does. */
export async function callTool(
  { execute }: Pick<Tool, 'execute'>,
  input: unknown,
  { id, signal }: ToolCall,
): Promise<unknown> {
  return execute?.(input, { toolCallId: id, messages: [], context: {}, abortSignal: signal });
}
