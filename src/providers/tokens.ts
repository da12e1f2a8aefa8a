/** About four characters of English are one token, in the tokenizers of every large provider. */
const CHARACTERS_PER_TOKEN = 4;

/** A guess at the tokens of a text, for when a provider does not count them. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}
