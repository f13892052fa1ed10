/** A page as what it tells its reader to do, in order. */
export type Step =
  | { readonly does: 'run'; readonly command: string }
  /** Takes a field of the last answer as a variable. */
  | { readonly does: 'keep'; readonly field: string; readonly variable: string }
  /** Runs the next command again and again. */
  | { readonly does: 'repeat'; readonly until: string };

/** The steps of a page, or of a part of it. */
export function stepsOf(part: string): Step[] {
  const step =
    /```sh\n(?<command>.*?)```|Its\s`(?<field>\w+)`\sis\sthe\s`(?<variable>\w+)`\sof\swhat\sfollows|Repeat\s(?:it|the\scommand)\suntil\sit\sshows\s`(?<until>[^`]+)`/gs;
  return [...part.matchAll(step)].map(({ groups: { command, field = '', variable = '', until } = {} }) => {
    if (command !== undefined) return { does: 'run', command };
    return until === undefined ? { does: 'keep', field, variable } : { does: 'repeat', until };
  });
}

/** What one command defines for those after it: functions, variables, and what it exports. */
export function definitionsOf(command: string): string {
  const order = /^ORDER="[\s\S]*?\n\}"\n/m.exec(command)?.[0] ?? '';
  const exported = /^export .*\n/gm;
  const functions = /^\w+\(\) \{\n[\s\S]*?\n\}\n/gm;
  return [...(command.match(functions) ?? []), ...(command.match(exported) ?? []), order].join('');
}
