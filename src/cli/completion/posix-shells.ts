import type { Place } from './command-tree.ts';

/** Returns a completion script for bash, to be sourced. */
export function bashScript(places: readonly Place[]): string {
  return `# Completion of linkspan for bash: source <(linkspan completion bash)
_linkspan() {
  local at='' offered='' plain='' word previous=\${COMP_WORDS[COMP_CWORD - 1]} current=\${COMP_WORDS[COMP_CWORD]}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${wayThrough(places)}
  done
${offers(places)}
  COMPREPLY=()
  for word in $offered; do
    if [[ $previous == -* && $word == "$previous="* ]]; then
      word=\${word#*=}
      [[ -n $word ]] && COMPREPLY=($(compgen -W "\${word//|/ }" -- "$current"))
      return
    fi
    plain+=" \${word%%=*}"
  done
  COMPREPLY=($(compgen -W "$plain" -- "$current"))
}
complete -o default -F _linkspan linkspan
`;
}

/** Returns a completion script for zsh, to be sourced or saved as `_linkspan` in the fpath. */
export function zshScript(places: readonly Place[]): string {
  return `#compdef linkspan
# Completion of linkspan for zsh: source <(linkspan completion zsh), after compinit
_linkspan() {
  local at='' offered='' word previous=\${words[CURRENT - 1]}
  local -a plain
  for word in "\${(@)words[2,CURRENT - 1]}"; do
${wayThrough(places)}
  done
${offers(places)}
  for word in \${=offered}; do
    if [[ $previous == -* && $word == "$previous="* ]]; then
      word=\${word#*=}
      if [[ -n $word ]]; then compadd -- \${(s:|:)word}; else _files; fi
      return
    fi
    plain+=("\${word%%=*}")
  done
  if (( \${#plain} )); then compadd -- $plain; else _files; fi
}
if [[ \${funcstack[1]} == _linkspan ]]; then _linkspan "$@"; else compdef _linkspan linkspan; fi
`;
}

/** Shell code that follows the words from place to place. Values of options and arguments change no place. */
function wayThrough(places: readonly Place[]): string {
  const cases = places
    .filter(({ words }) => words !== '')
    .map(({ words, spellings }) => `      ${spellings.map(quote).join(' | ')}) at=${quote(words)} ;;`);
  return ['    case "$at $word" in', ...cases, '    esac'].join('\n');
}

/** Shell code with the candidates of each place: words, and options, with `=` and their values if they take one. */
function offers(places: readonly Place[]): string {
  const cases = places.map(({ words, next, options }) => {
    const all = [...next, ...options].map(({ word, values }) => (values ? `${word}=${values.join('|')}` : word));
    return `    ${quote(words)}) offered=${quote(all.join(' '))} ;;`;
  });
  return ['  case "$at" in', ...cases, '  esac'].join('\n');
}

/** Quotes a name of a command or flag, which contains no quote. */
function quote(text: string): string {
  return `'${text}'`;
}
