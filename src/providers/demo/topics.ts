/** The part that an agent plays in a discussion. */
export type Role = 'coordinator' | 'researcher' | 'engineer' | 'generalist';

const ROLES: readonly Role[] = ['coordinator', 'researcher', 'engineer', 'generalist'];
const ROLE_OF: ReadonlyMap<string, Role> = new Map([
  ['atlas', 'coordinator'],
  ['nova', 'researcher'],
  ['bolt', 'engineer'],
]);

/** Anybody the script does not know gets a part by the letters of the name, so that a group of strangers has several. */
export function roleOf(agentName: string): Role {
  const name = agentName.trim().toLowerCase();
  const sum = [...name].reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0);
  return ROLE_OF.get(name) ?? ROLES[sum % ROLES.length] ?? 'generalist';
}

/** What one part has to say: at first, and after hearing the others. */
interface Lines {
  readonly opening: string;
  readonly followUp: string;
}

export interface Topic {
  /** How it reads in the middle of a sentence. */
  readonly name: string;
  readonly lines: Readonly<Record<Role, Lines>>;
  readonly conclusion: string;
}

interface KnownTopic extends Topic {
  readonly keywords: RegExp;
}

const KNOWN_TOPICS: readonly KnownTopic[] = [
  {
    name: 'quantum error correction',
    keywords: /\b(?:quantum|qubits?|surface codes?)\b/i,
    lines: {
      coordinator: {
        opening:
          'Three questions decide this: which code we bet on, what physical error rate it needs, and what one logical qubit costs. Theory first, then hardware, then we compare.',
        followUp:
          'So code and machine have to be chosen together: I would plan around the surface code today and keep a small effort on codes that need fewer qubits.',
      },
      researcher: {
        opening:
          'The surface code is still the benchmark: it tolerates about 1 % error per gate and needs only neighbouring qubits. Newer qLDPC codes promise the same protection with roughly a tenth of the qubits.',
        followUp:
          'I would add that the threshold is not the target: ten times below it, every step up in code distance cuts the logical error rate about tenfold, and only then does the overhead become bearable.',
      },
      engineer: {
        opening:
          'Hardware sets the pace: on superconducting chips the decoder has about a microsecond per round, and thousands of control lines must get into the fridge. I count on about a thousand physical qubits for one good logical qubit.',
        followUp:
          'In practice the bill decides: I would first keep one logical qubit alive for longer than its best physical qubit, day after day, and only then order a hundred of them.',
      },
      generalist: {
        opening:
          "The idea is to spread one qubit's information over many, so that errors are found without ever looking at the information itself. The price is a large overhead.",
        followUp:
          'That makes me think progress should be counted in logical errors per round, not in numbers of qubits.',
      },
    },
    conclusion:
      'the surface code for now, qLDPC codes as the likely successor, and the decoder and the wiring as the first things to build.',
  },
  {
    name: 'climate change',
    keywords: /\b(?:climate|global warming|emissions?|carbon|co2)\b/i,
    lines: {
      coordinator: {
        opening:
          'I would split this into cutting emissions, taking carbon back out, and living with the change that is already certain. The first is by far the cheapest per tonne.',
        followUp: 'So the order is clear: what is cheap and ready now goes first, and research pays for what is not.',
      },
      researcher: {
        opening:
          'Warming follows the sum of all carbon dioxide ever emitted almost in a straight line, so it stops only when net emissions reach zero. Methane matters too, because cutting it works within a decade.',
        followUp:
          'The physics agrees: every tenth of a degree that is avoided lowers the risks, so there is no point of giving up.',
      },
      engineer: {
        opening:
          'Solar, wind and batteries are cheap by now; the bottlenecks are grids, permits and heat for industry. I would start with heat pumps and power lines, because both are ready today.',
        followUp:
          'From the building side: a project that gets its permit two years sooner saves more than one that is five per cent more efficient.',
      },
      generalist: {
        opening: 'The technology for most of the way exists, so the open questions are speed, money and fairness.',
        followUp: 'What I take from this is that people support change when they see who gains by it.',
      },
    },
    conclusion:
      'electrify what can be electrified, build grids faster, cut methane early, and prepare for the warming that is coming anyway.',
  },
  {
    name: 'databases',
    keywords: /\b(?:databases?|sql|sqlite|postgres(?:ql)?|transactions?|indexes)\b/i,
    lines: {
      coordinator: {
        opening:
          'Before we pick a product we should write down what may never be lost, how much is written per second, and who reads what. Most choices follow from those three numbers.',
        followUp:
          'That narrows it down: one relational database until measurements say otherwise, and a date on which we measure.',
      },
      researcher: {
        opening:
          'The heart of it is isolation: under anything weaker than serializable, two correct transactions can together leave a wrong result. Log-structured storage favours writes, B-trees favour reads.',
        followUp:
          'In theory terms: a network partition forces a choice between consistency and availability, and most businesses want consistency.',
      },
      engineer: {
        opening:
          'SQLite for one machine, PostgreSQL for several, and a restore that somebody has really tried. Nearly every slow query I have seen wanted an index or fewer round trips, not a new database.',
        followUp:
          'In operation it is the boring part that counts: backups, migrations that can be stopped half way, and an alarm before the disk is full.',
      },
      generalist: {
        opening:
          'A database is a promise about what survives a crash, so I would judge each one by how well it keeps that promise.',
        followUp: 'I hear that the choice matters less than knowing well the one that we have.',
      },
    },
    conclusion: 'start with one relational database, measure before adding another, and practise the restore.',
  },
  {
    name: 'software testing',
    keywords: /\b(?:tests?|testing|tested|quality assurance)\b/i,
    lines: {
      coordinator: {
        opening:
          'I would ask first what a failure would cost, and spend the effort there. Many fast tests for the rules, a few slow ones for the whole, and a person for what only a person can judge.',
        followUp: 'Then we agree on a rule: every bug that reaches a user leaves a test behind.',
      },
      researcher: {
        opening:
          'Coverage shows what was run, not what was checked; mutation testing measures the second. Properties over generated inputs find the cases that nobody thought of.',
        followUp:
          'There is good evidence for that: small changes with tests of their own are reviewed better and break less.',
      },
      engineer: {
        opening:
          'A flaky test is worse than none, because people learn to ignore red. I inject the clock, use a real database and pull the plug in the middle: that is where the bugs are.',
        followUp: 'In practice: keep the whole run under ten minutes, or people stop running it before they push.',
      },
      generalist: {
        opening:
          'A test is a description of what we promised, and it is the only one that complains when it is out of date.',
        followUp: 'So a test that cannot fail is decoration, and we should try to make each one fail once.',
      },
    },
    conclusion: 'test where failure is dear, keep the run fast and steady, and let every bug leave a test behind.',
  },
];

/** What a text is about: a topic with lines of its own, or one made up from the words of the text. */
export function topicOf(text: string): Topic {
  return KNOWN_TOPICS.find(({ keywords }) => keywords.test(text)) ?? unknownTopic(subjectOf(text));
}

const QUESTION_OPENING =
  /^(?:(?:what|which) (?:is|are|do|does|would|should)|how (?:do|does|should|would|can|could)|should|can|could|is|are|do|does|why|please|tell me|let us|discuss|talk about)\b/i;
const OPINION_OPENING =
  /^(?:what (?:are|is) your (?:thoughts?|opinions?|views?|take) (?:on|about|of)|what do you (?:all )?think (?:about|of)|any (?:thoughts|ideas) (?:on|about)|(?:please )?(?:discuss|talk about|consider))\b/i;

/** The subject of a question: what is left without "What are your thoughts on". */
function subjectOf(text: string): string {
  const line = text.slice(0, 300).replace(/\s+/g, ' ').trim();
  const rest = line
    .replace(OPINION_OPENING, '')
    .replace(/[?!.\s]{1,10}$/, '')
    .trim();
  const words = rest.split(' ');
  const subject = words.length > 10 ? `${words.slice(0, 10).join(' ')} …` : rest;
  if (subject === '') return 'this';
  return rest === line || QUESTION_OPENING.test(rest) ? `the question "${subject}?"` : subject;
}

function unknownTopic(name: string): Topic {
  return {
    name,
    lines: {
      coordinator: {
        opening: `Let us agree first on what a good outcome looks like, then gather what is known about ${name}, and only then choose.`,
        followUp: 'So let us write down one thing that we can decide now and one question that stays open.',
      },
      researcher: {
        opening: `I would look for what has been measured about ${name} rather than for what is often said, and for the strongest case against my own view.`,
        followUp: 'I would want to know what observation would change our minds about that.',
      },
      engineer: {
        opening: `The smallest thing that can be tried this week will teach us more about ${name} than another meeting would.`,
        followUp: 'Then let us put a cost and a date on it and see whether it still looks good.',
      },
      generalist: {
        opening: `With ${name}, I would ask first who is affected and what they would notice.`,
        followUp: 'That is a fair point, and it is worth checking with somebody who has to live with the result.',
      },
    },
    conclusion: 'agree on the goal, try something small, and look at the result together.',
  };
}
