/**
 * What `bin/nodepool complete WORDS…` runs for the shells' completion: it prints what the next word may be, each with a
 * tab and a few words about it, and prints nothing where that is not known. It is a program of its own because it runs
 * at every TAB: the whole command line takes several times as long to load.
 */
import { existsSync } from 'node:fs';
import { CONFIG_FILE } from '../config/usual-file.js';
import { ControlClient } from '../http/client.js';
import { findSocket } from './daemon.js';
import { liveNames } from './live-names.js';
import { plainText } from './plain-text.js';

/** Somebody waits at a prompt: a daemon that takes longer names nothing. */
const patienceMs = 1_000;

const words = process.argv.slice(3);
setTimeout(() => process.exit(), patienceMs).unref();
try {
  const daemon = new ControlClient(await socketOf());
  const names = await liveNames(words, daemon);
  process.stdout.write(names.map(({ name, about }) => `${plainText(name)}\t${plainText(about)}\n`).join(''));
} catch {
  // No daemon, or one that cannot answer: a completion has no way to say so.
}

/** As every command finds it; the configuration is read only where there is one. */
async function socketOf(): Promise<string> {
  const config = valueOf('-c', '--config') ?? CONFIG_FILE;
  const named = valueOf('--socket') ?? process.env['NODEPOOLD_SOCKET'] ?? null;
  const loadConfig =
    named === null && existsSync(config)
      ? (await import('../config/load.js')).loadConfig
      : () => ({ kind: 'refused' as const, problems: [], files: [] });
  const options = { config, isConfigNamed: false, secure: valueOf('-s', '--secure'), socket: named };
  return findSocket({ env: process.env, runtimeDir: '/run/nodepool', loadConfig }, options);
}

function valueOf(...names: readonly string[]): string | undefined {
  const at = words.findLastIndex(word => names.includes(word));
  return at < 0 ? undefined : words[at + 1];
}
