const EXAMPLES = [
  '"Create a research group with Atlas, Nova and Bolt"',
  '"Tell the Research Team: What are your thoughts on quantum error correction?"',
  '"Ask Nova what she knows about databases"',
  '"Remove Bolt from the Research Team"',
  '"List groups" or "Who is there?"',
];

const ABILITIES = ['I understand sentences like these:', ...EXAMPLES.map((example) => `- ${example}`)].join('\n');
const REAL_MODEL =
  'For real answers set AI_PROVIDER and its key (for example AI_PROVIDER=openai and OPENAI_API_KEY) and start again.';

const TALK: readonly { readonly when: RegExp; answer(agentName: string): string }[] = [
  {
    when: /\b(?:who|what) are you\b|\byour name\b/i,
    answer: (name) =>
      `I am ${name}, played by a scripted demo model: I follow a script and do not think. ${REAL_MODEL}`,
  },
  {
    when: /^(?:help|\?|commands)\b|^\?|\bwhat can (?:you|i) (?:do|say|ask)\b/i,
    answer: () => `${ABILITIES}\n${REAL_MODEL}`,
  },
  {
    when: /^(?:hi|hello|hey|howdy|greetings|good (?:morning|afternoon|evening|day))\b/i,
    answer: (name) => `Hello! I am ${name}, played by a scripted demo model. ${ABILITIES}`,
  },
  { when: /^(?:thanks|thank you|cheers)\b/i, answer: () => 'You are welcome.' },
];

/** What the scripted model says when there is nothing to do. It never passes for a model that understood. */
export function smallTalk(text: string, agentName: string): string {
  const talk = TALK.find(({ when }) => when.test(text.trim()));
  return (
    talk?.answer(agentName) ?? `I am a scripted demo model and did not understand that. ${ABILITIES}\n${REAL_MODEL}`
  );
}
