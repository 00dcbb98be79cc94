/** Completion scripts for shells, made from the commands themselves. */
import { Argument, type Command } from 'commander';
import type { CliCommand } from './command.js';

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
      return `#compdef nodepool\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(program)}`;
    case 'fish':
      return fishScript(program);
  }
}

function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ short, long }) => [short, long].flatMap(flag => flag ?? []));
}

function bashScript(program: Command): string {
  const names = program.commands.map(command => command.name());
  const globals = flagsOf(program).join(' ');
  const cases = program.commands.map(
    command => `    ${command.name()}) words="${[...flagsOf(command), ...argumentWords(command)].join(' ')}" ;;`,
  );
  return `_nodepool() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      ${names.join('|')}) command="$word"; break ;;
    esac
  done
  case "$command" in
    "") words="${names.join(' ')}" ;;
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words ${globals}" -- "$current"))
}
complete -o default -F _nodepool nodepool
`;
}

function argumentWords(command: Command): readonly string[] {
  return command.registeredArguments.flatMap(argument => argument.argChoices ?? []);
}

function fishScript(program: Command): string {
  const names = program.commands.map(command => command.name()).join(' ');
  const lines = program.commands.flatMap(command => [
    `complete -c nodepool -n "not __fish_seen_subcommand_from ${names}" -a ${command.name()} -d ${quoted(command.description())}`,
    ...command.options.map(option => fishOption(option, `-n "__fish_seen_subcommand_from ${command.name()}"`)),
  ]);
  return `${[...program.options.map(option => fishOption(option, '')), ...lines].join('\n')}\n`;
}

function fishOption(option: Command['options'][number], condition: string): string {
  const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
  const long = option.long === undefined ? '' : ` -l ${option.long.slice(2)}`;
  const value = option.required || option.optional ? ' -r' : '';
  return `complete -c nodepool ${condition}${short}${long}${value} -d ${quoted(option.description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
