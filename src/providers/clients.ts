import type { LanguageModelV4 } from '@ai-sdk/provider';

/**
 * What a client needs to reach a model. Key and base URL are always given, empty or not, because the AI SDK's clients look into
 * the environment for what they are not given, and would take up another provider's.
 */
interface Connection {
  readonly apiKey: string;
  readonly model: string;
  readonly baseUrl: string;
  /** Whose model it is: only the scripted model speaks in this name. */
  readonly agentName: string;
}

/** Makes a model. The AI SDK's client is loaded only now, so that starting up pays for no provider that is not used. */
export type Connect = (connection: Connection) => Promise<LanguageModelV4>;

const OPENAI_BASE_URL = 'https://api.openai.com/v1';

/** OpenAI's Responses API. */
export const openAiResponses: Connect = async (to) => {
  const { createOpenAI } = await import('@ai-sdk/openai');
  return createOpenAI({ apiKey: to.apiKey, baseURL: to.baseUrl }).responses(to.model);
};

/** OpenAI itself is asked by the Responses API; a server that stands in for it usually knows only Chat Completions. */
export const openAi: Connect = async (to) => {
  if (to.baseUrl === OPENAI_BASE_URL) return openAiResponses(to);
  const { createOpenAI } = await import('@ai-sdk/openai');
  return createOpenAI({ apiKey: to.apiKey, baseURL: to.baseUrl }).chat(to.model);
};

/** Anthropic's Messages API. */
export const anthropic: Connect = async (to) => {
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  return createAnthropic({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** Google's Gemini API. */
export const google: Connect = async (to) => {
  const { createGoogle } = await import('@ai-sdk/google');
  return createGoogle({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** Mistral's chat completions. */
export const mistral: Connect = async (to) => {
  const { createMistral } = await import('@ai-sdk/mistral');
  return createMistral({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** Cohere's Chat API, version 2. */
export const cohere: Connect = async (to) => {
  const { createCohere } = await import('@ai-sdk/cohere');
  return createCohere({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** Groq's chat completions. */
export const groq: Connect = async (to) => {
  const { createGroq } = await import('@ai-sdk/groq');
  return createGroq({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** DeepSeek's chat completions. */
export const deepSeek: Connect = async (to) => {
  const { createDeepSeek } = await import('@ai-sdk/deepseek');
  return createDeepSeek({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** xAI's Responses API. */
export const xai: Connect = async (to) => {
  const { createXai } = await import('@ai-sdk/xai');
  return createXai({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** Perplexity's Sonar, which searches the web itself and calls no tools of ours. */
export const perplexity: Connect = async (to) => {
  const { createPerplexity } = await import('@ai-sdk/perplexity');
  return createPerplexity({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** Together AI's chat completions. */
export const togetherAi: Connect = async (to) => {
  const { createTogetherAI } = await import('@ai-sdk/togetherai');
  return createTogetherAI({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** Fireworks AI's chat completions. */
export const fireworks: Connect = async (to) => {
  const { createFireworks } = await import('@ai-sdk/fireworks');
  return createFireworks({ apiKey: to.apiKey, baseURL: to.baseUrl })(to.model);
};

/** Any server that speaks Chat Completions at `baseUrl`. */
export const openAiCompatible: Connect = async ({ apiKey, baseUrl, model }) => {
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  // includeUsage: without it the stream does not say how many tokens were spent.
  return createOpenAICompatible({ name: 'openai-compatible', apiKey, baseURL: baseUrl, includeUsage: true })(model);
};

/** A server whose address is given without the path: its Chat Completions are under `/v1`. */
export const openAiCompatibleUnderV1: Connect = (to) => {
  const root = to.baseUrl.replace(/\/$/, '');
  return openAiCompatible({ ...to, baseUrl: root.endsWith('/v1') ? root : `${root}/v1` });
};

/** The scripted model that needs no key. */
export const demo: Connect = async ({ agentName }) => {
  const { demoModel } = await import('./demo/demo-model.ts');
  return demoModel({ agentName });
};
