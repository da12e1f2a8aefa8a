/** What a Markdown document promises that can be checked. */

/** The targets of its links that are files of the project: nothing on the web, and no place in the same document. */
export function fileLinks(markdown: string): string[] {
  const targets = [...markdown.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** The files and folders of the project that it names as code. A pattern with a star is not one. */
export function namedPaths(markdown: string): string[] {
  return codeIn(markdown).flatMap((code) => code.match(/^(?:src|test|bench|docs|scripts|bin)\/[\w./-]*$/) ?? []);
}

/** The commands of npm and of `parley` that it tells its reader to type, each as its words. */
export function commandsIn(markdown: string): string[][] {
  const shell = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) => block.split('\n'));
  return [...shell, ...codeIn(markdown)]
    .flatMap((line) => line.replace(/\s#.*$/, '').split('&&'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([program = '']) => /^(?:npm|(?:\.\/bin\/)?parley)$/.test(program));
}

/** What stands between single backquotes. */
const codeIn = (markdown: string): string[] =>
  [...markdown.replace(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
