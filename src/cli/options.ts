/** The options of every command, accepted before and after its name. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { CONFIG_FILE } from '../config/usual-file.js';

export const outputs = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Output = (typeof outputs)[number];

export interface GlobalOptions {
  readonly config: string;
  /** Whether `config` was named by the user. */
  readonly isConfigNamed: boolean;
  /** Undefined: the usual place, where it need not be. */
  readonly secure: string | undefined;
  readonly socket: string | null;
  readonly output: Output;
  readonly debug: boolean;
}

export function addGlobalOptions(program: Command): Command {
  return program
    .option('-c, --config <file>', 'configuration file', CONFIG_FILE)
    .option('-s, --secure <file>', 'file with secrets (secure.conf)')
    .option('--socket <path>', "the daemon's socket")
    .addOption(new Option('-o, --output <format>', 'how lists are printed').choices(outputs).default('table'))
    .option('--debug', 'say more when something fails');
}

/** The options as given before or after the name of the command. */
export function globalOptions(command: Command): GlobalOptions {
  const given = command.optsWithGlobals<{
    config: string;
    secure?: string;
    socket?: string;
    output: Output;
    debug?: boolean;
  }>();
  return {
    config: given.config,
    isConfigNamed: command.getOptionValueSourceWithGlobals('config') !== 'default',
    secure: given.secure,
    socket: given.socket ?? null,
    output: given.output,
    debug: given.debug ?? false,
  };
}

/** An id as the lists print it: `17`, or `node/17` from `-o name`. */
export const parseNodeId = idParser('node', 'nodepool list');
export const parseImageId = idParser('image', 'nodepool image-list');
export const parseJobId = idParser('job', 'nodepool job-list');

function idParser(kind: string, listing: string): (text: string) => number {
  const pattern = new RegExp(`^(?:${kind}/)?([1-9]\\d{0,14})$`);
  return text => {
    const digits = pattern.exec(text)?.[1];
    if (digits !== undefined) return Number(digits);
    throw new InvalidArgumentError(
      `"${text}" is not the id of a${kind === 'image' ? 'n' : ''} ${kind}, as ${listing} shows it.`,
    );
  };
}

/** For options that may be given several times. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
