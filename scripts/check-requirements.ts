/* Fails when docs/requirements.json promises what no test proves, or a test cites what is not in it. */
import { problemsOf, readCitations, readRequirements, summaryOf } from './requirements.ts';

const requirements = readRequirements();
const citations = readCitations();
for (const line of summaryOf(requirements, citations)) console.log(line);

const problems = problemsOf(requirements, citations);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
