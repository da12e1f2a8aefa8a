import * as clients from './clients.ts';

/** What `AI_PROVIDER` and `AI_FALLBACK_PROVIDERS` may name. */
export const PROVIDER_IDS = [
  'openai',
  'anthropic',
  'google',
  'mistral',
  'cohere',
  'groq',
  'deepseek',
  'xai',
  'perplexity',
  'together',
  'fireworks',
  'nvidia-nim',
  'ollama',
  'codex',
  'copilot',
  'claude-code',
  'claude-cowork',
  'openclaw',
  'openai-compatible',
  'demo',
] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

/** The environment variables that a provider's settings are read from; null where it has no such setting. */
interface SettingVariables {
  readonly key: string | null;
  readonly model: string | null;
  readonly baseUrl: string | null;
}

/** One entry of the catalogue. It names environment variables; it never reads them. */
interface Provider {
  /** What people call it. */
  readonly label: string;
  readonly variables: SettingVariables;
  /** null: a model has to be set. */
  readonly defaultModel: string | null;
  /** null: a base URL has to be set. */
  readonly defaultBaseUrl: string | null;
  readonly keyRequired: boolean;
  readonly connect: clients.Connect;
}

/** The usual names: `<PREFIX>_API_KEY`, `<PREFIX>_MODEL`, `<PREFIX>_BASE_URL`. */
const variables = (prefix: string): SettingVariables => ({
  key: `${prefix}_API_KEY`,
  model: `${prefix}_MODEL`,
  baseUrl: `${prefix}_BASE_URL`,
});

/** Base URLs are those of the AI SDK's clients, given in full so that no client takes one from the environment. */
export const PROVIDERS: Readonly<Record<ProviderId, Provider>> = {
  openai: {
    label: 'OpenAI',
    variables: variables('OPENAI'),
    defaultModel: 'gpt-6-luna',
    defaultBaseUrl: 'https://api.openai.com/v1',
    keyRequired: true,
    connect: clients.openAi,
  },
  anthropic: {
    label: 'Anthropic',
    variables: variables('ANTHROPIC'),
    defaultModel: 'claude-sonnet-5-5',
    defaultBaseUrl: 'https://api.anthropic.com/v1',
    keyRequired: true,
    connect: clients.anthropic,
  },
  google: {
    label: 'Google Gemini',
    variables: variables('GOOGLE'),
    defaultModel: 'gemini-flash-latest',
    defaultBaseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    keyRequired: true,
    connect: clients.google,
  },
  mistral: {
    label: 'Mistral',
    variables: variables('MISTRAL'),
    defaultModel: 'mistral-large-latest',
    defaultBaseUrl: 'https://api.mistral.ai/v1',
    keyRequired: true,
    connect: clients.mistral,
  },
  cohere: {
    label: 'Cohere',
    variables: variables('COHERE'),
    defaultModel: 'command-a-03-2025',
    defaultBaseUrl: 'https://api.cohere.com/v2',
    keyRequired: true,
    connect: clients.cohere,
  },
  groq: {
    label: 'Groq',
    variables: variables('GROQ'),
    defaultModel: 'openai/gpt-oss-120b',
    defaultBaseUrl: 'https://api.groq.com/openai/v1',
    keyRequired: true,
    connect: clients.groq,
  },
  deepseek: {
    label: 'DeepSeek',
    variables: variables('DEEPSEEK'),
    defaultModel: 'deepseek-v4-flash',
    defaultBaseUrl: 'https://api.deepseek.com',
    keyRequired: true,
    connect: clients.deepSeek,
  },
  xai: {
    label: 'xAI',
    variables: variables('XAI'),
    defaultModel: 'grok-latest',
    defaultBaseUrl: 'https://api.x.ai/v1',
    keyRequired: true,
    connect: clients.xai,
  },
  perplexity: {
    label: 'Perplexity',
    variables: variables('PERPLEXITY'),
    defaultModel: 'sonar-pro',
    defaultBaseUrl: 'https://api.perplexity.ai',
    keyRequired: true,
    connect: clients.perplexity,
  },
  together: {
    label: 'Together AI',
    variables: variables('TOGETHER'),
    defaultModel: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    defaultBaseUrl: 'https://api.together.xyz/v1',
    keyRequired: true,
    connect: clients.togetherAi,
  },
  fireworks: {
    label: 'Fireworks AI',
    variables: variables('FIREWORKS'),
    defaultModel: 'accounts/fireworks/models/kimi-k2p6',
    defaultBaseUrl: 'https://api.fireworks.ai/inference/v1',
    keyRequired: true,
    connect: clients.fireworks,
  },
  'nvidia-nim': {
    label: 'NVIDIA NIM',
    variables: { key: 'NVIDIA_API_KEY', model: 'NVIDIA_NIM_MODEL', baseUrl: 'NVIDIA_NIM_BASE_URL' },
    defaultModel: 'meta/llama-3.3-70b-instruct',
    defaultBaseUrl: 'https://integrate.api.nvidia.com/v1',
    keyRequired: true,
    connect: clients.openAiCompatible,
  },
  ollama: {
    label: 'Ollama',
    variables: { key: null, model: 'OLLAMA_MODEL', baseUrl: 'OLLAMA_BASE_URL' },
    defaultModel: 'llama3.2',
    defaultBaseUrl: 'http://localhost:11434',
    keyRequired: false,
    connect: clients.openAiCompatibleUnderV1,
  },
  codex: {
    label: 'OpenAI Codex',
    variables: variables('CODEX'),
    defaultModel: 'gpt-5.3-codex',
    defaultBaseUrl: 'https://api.openai.com/v1',
    keyRequired: true,
    connect: clients.openAiResponses,
  },
  copilot: {
    label: 'GitHub Copilot',
    variables: { key: 'COPILOT_TOKEN', model: 'COPILOT_MODEL', baseUrl: 'COPILOT_BASE_URL' },
    defaultModel: 'openai/gpt-4.1',
    defaultBaseUrl: 'https://models.github.ai/inference',
    keyRequired: true,
    connect: clients.openAiCompatible,
  },
  'claude-code': {
    label: 'Claude Code',
    variables: variables('CLAUDE_CODE'),
    defaultModel: 'claude-sonnet-5-5',
    defaultBaseUrl: 'https://api.anthropic.com/v1',
    keyRequired: true,
    connect: clients.anthropic,
  },
  'claude-cowork': {
    label: 'Claude Cowork',
    variables: variables('CLAUDE_COWORK'),
    defaultModel: 'claude-sonnet-5-5',
    defaultBaseUrl: 'https://api.anthropic.com/v1',
    keyRequired: true,
    connect: clients.anthropic,
  },
  openclaw: {
    label: 'OpenClaw',
    variables: { key: 'OPENCLAW_AUTH_TOKEN', model: 'OPENCLAW_MODEL', baseUrl: 'OPENCLAW_BASE_URL' },
    defaultModel: 'openclaw',
    defaultBaseUrl: 'http://localhost:18789',
    keyRequired: false,
    connect: clients.openAiCompatibleUnderV1,
  },
  'openai-compatible': {
    label: 'OpenAI-compatible server',
    variables: variables('OPENAI_COMPATIBLE'),
    defaultModel: null,
    defaultBaseUrl: null,
    keyRequired: false,
    connect: clients.openAiCompatible,
  },
  demo: {
    label: 'Scripted demo model',
    variables: { key: null, model: null, baseUrl: null },
    defaultModel: 'scripted-demo',
    // It is in this process.
    defaultBaseUrl: 'demo:',
    keyRequired: false,
    connect: clients.demo,
  },
};

/** The environment variable with a provider's cap: `nvidia-nim` has `RATE_LIMIT_NVIDIA_NIM_RPM`. */
export function requestsPerMinuteVariable(provider: ProviderId): string {
  return `RATE_LIMIT_${provider.toUpperCase().replaceAll('-', '_')}_RPM`;
}
