import type { Place } from './command-tree.ts';

/** Returns a completion script for fish, to be sourced. */
export function fishScript(places: readonly Place[]): string {
  const cases = places
    .filter(({ words }) => words !== '')
    .map(({ words, spellings }) => `      case ${spellings.map(quote).join(' ')}\n        set at ${quote(words)}`);
  return `# Completion of linkspan for fish: linkspan completion fish | source
function __linkspan_is_at
  set -l at ''
  for word in (commandline -opc)[2..]
    switch "$at $word"
${cases.join('\n')}
    end
  end
  test "$at" = "$argv[1]"
end
complete -c linkspan -e
complete -c linkspan -f
${places.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ words, next, options }: Place): string[] {
  const line = (what: string, description: string) =>
    `complete -c linkspan -n ${quote(`__linkspan_is_at '${words}'`)} ${what}${description && ` -d ${quote(description)}`}`;
  return [
    ...next.map(({ word, description }) => line(`-a ${word}`, description)),
    ...options.map(({ word, description, values }) => {
      const choice = values && (values.length > 0 ? ` -x -a ${quote(values.join(' '))}` : ' -r -F');
      return line(`-l ${word.replace(/^--/, '')}${choice ?? ''}`, description);
    }),
  ];
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
