/**
 * Completion scripts for shells, made from the commands themselves. What only a running daemon knows they ask it for by
 * `nodepool complete` (live-names.ts).
 */
import { Argument, type Command } from 'commander';
import type { CliCommand } from './command.js';
import { labelOptions, liveCommands } from './live-names.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

export const completionCommand: CliCommand = {
  name: 'completion',
  register(program, session) {
    program
      .command('completion')
      .description('print a completion script: source <(nodepool completion bash)')
      .addArgument(new Argument('<shell>', 'for which shell').choices(shells))
      .action((shell: Shell) => {
        session.out.write(completionScript(program, shell));
      });
  },
};

export function completionScript(program: Command, shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bashScript(program);
    case 'zsh':
      return zshScript(program);
    case 'fish':
      return fishScript(program);
  }
}

function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ short, long }) => [short, long].flatMap(flag => flag ?? []));
}

/** What a command takes at a TAB: flags, and words that never change. What only the daemon knows is asked for. */
function wordsOf(command: Command): { readonly flags: string; readonly names: string; readonly isLive: boolean } {
  return {
    flags: flagsOf(command).join(' '),
    names: [...argumentWords(command), ...command.commands.map(each => each.name())].join(' '),
    isLive: liveCommands.includes(command.name()),
  };
}

/** Bash takes a colon and an equals sign for the end of a word; here they are parts of names. */
function bashScript(program: Command): string {
  const commands = program.commands.map(command => command.name());
  const cases = program.commands.map(command => {
    const { flags, names, isLive } = wordsOf(command);
    return `    ${command.name()}) flags="${flags}" names="${names}" live=${isLive ? 1 : ''} ;;`;
  });
  return `_nodepool() {
  local line="\${COMP_LINE:0:COMP_POINT}" current command="" flags="" names="" live="" word
  local -a before found=()
  current="\${line##*[[:space:]]}"
  read -ra before <<< "\${line%"$current"}"
  for word in "\${before[@]:1}"; do
    case "$word" in
      ${commands.join('|')}) command="$word"; break ;;
    esac
  done
  case "$command" in
    "") names="${commands.join(' ')}" ;;
${cases.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    read -ra found <<< "$flags ${flagsOf(program).join(' ')}"
  elif [[ -n "$live" ]]; then
    while IFS=$'\\t' read -r word _; do found+=("$word"); done < <("\${before[0]}" complete "\${before[@]:1}" 2>/dev/null)
  else
    read -ra found <<< "$names"
  fi
  local cut="\${current%"\${current##*[:=]}"}"
  COMPREPLY=()
  for word in "\${found[@]}"; do
    [[ "$word" == "$current"* ]] && COMPREPLY+=("\${word#"$cut"}")
  done
  [[ "\${#COMPREPLY[@]}" == 1 && "\${COMPREPLY[0]}" == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _nodepool nodepool
`;
}

function zshScript(program: Command): string {
  const commands = program.commands.map(command => command.name());
  const cases = program.commands.map(command => {
    const { flags, names, isLive } = wordsOf(command);
    return `    ${command.name()}) flags=(${flags}) names=(${names}) live=${isLive ? 1 : ''} ;;`;
  });
  return `#compdef nodepool
_nodepool() {
  local word command="" live=""
  local -a before flags names
  before=("\${(@)words[2,CURRENT-1]}")
  for word in "\${(@)before}"; do
    case "$word" in
      ${commands.join('|')}) command="$word"; break ;;
    esac
  done
  case "$command" in
    "") names=(${commands.join(' ')}) ;;
${cases.join('\n')}
  esac
  if [[ "$PREFIX" == -* ]]; then
    compadd -- $flags ${flagsOf(program).join(' ')}
    return
  fi
  [[ -n "$live" ]] && names=("\${(@)\${(f)"$("\${words[1]}" complete "\${(@)before}" 2>/dev/null)"}%%$'\\t'*}")
  names=(\${names:#})
  (( $#names )) || { _files; return }
  compadd -S '' -- \${(M)names:#*=}
  compadd -- \${names:#*=}
}
if [[ "\${funcstack[1]}" == _nodepool ]]; then _nodepool "$@"; else compdef _nodepool nodepool; fi
`;
}

function argumentWords(command: Command): readonly string[] {
  return command.registeredArguments.flatMap(argument => argument.argChoices ?? []);
}

function fishScript(program: Command): string {
  const names = program.commands.map(command => command.name()).join(' ');
  const lines = program.commands.flatMap(command => [
    `complete -c nodepool -n "not __fish_seen_subcommand_from ${names}" -f -a ${command.name()} -d ${quoted(command.description())}`,
    ...command.options.map(option => fishOption(option, `-n "__fish_seen_subcommand_from ${command.name()}"`)),
    ...fishArguments(command),
  ]);
  return `function __nodepool_live
  set -l before (commandline -opc)
  $before[1] complete $before[2..-1] 2>/dev/null
end
${[...program.options.map(option => fishOption(option, '')), ...lines].join('\n')}
`;
}

function fishArguments(command: Command): string[] {
  const { names, isLive } = wordsOf(command);
  const what = isLive ? '(__nodepool_live)' : names;
  return what === ''
    ? []
    : [`complete -c nodepool -n "__fish_seen_subcommand_from ${command.name()}" -f -a ${quoted(what)}`];
}

function fishOption(option: Command['options'][number], condition: string): string {
  const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
  const long = option.long === undefined ? '' : ` -l ${option.long.slice(2)}`;
  const isLive = labelOptions.has(option.long ?? '');
  const value = option.required || option.optional ? ` -r${isLive ? " -f -a '(__nodepool_live)'" : ''}` : '';
  return `complete -c nodepool ${condition}${short}${long}${value} -d ${quoted(option.description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
