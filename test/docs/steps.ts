/** One thing that a page tells its reader to do. */
export type Step =
  | { readonly does: 'run'; readonly command: string }
  /** Stores a field of the last answer in a variable. */
  | { readonly does: 'keep'; readonly field: string; readonly variable: string }
  /** Repeats the next command. */
  | { readonly does: 'repeat'; readonly until: string };

/** Returns the steps of a page, or of a part of it, in order. */
export function stepsOf(part: string): Step[] {
  const step =
    /```sh\n(?<command>.*?)```|Its\s`(?<field>\w+)`\sis\sthe\s`(?<variable>\w+)`\sbelow|Repeat\s(?:it|the\scommand)\suntil\sit\sshows\s`(?<until>[^`]+)`/gs;
  return [...part.matchAll(step)].map(({ groups: { command, field = '', variable = '', until } = {} }) => {
    if (command !== undefined) return { does: 'run', command };
    return until === undefined ? { does: 'keep', field, variable } : { does: 'repeat', until };
  });
}

/** Returns the definitions of a command that later commands need: functions, variables and exports. */
export function definitionsOf(command: string): string {
  const order = /^ORDER="[\s\S]*?\n\}"\n/m.exec(command)?.[0] ?? '';
  const exported = /^export .*\n/gm;
  const functions = /^\w+\(\) \{\n[\s\S]*?\n\}\n/gm;
  return [...(command.match(functions) ?? []), ...(command.match(exported) ?? []), order].join('');
}
