import type { Computer, JenkinsNode } from './computer.js';
import { crash, escapeText, unescapeText } from './pages.js';
import type { Profile } from './settings.js';

/** A node's configuration as XML. New masters declare XML 1.1, which many parsers refuse. */
export function writeConfig(computer: Computer, node: JenkinsNode, profile: Profile): string {
  const version = profile === 'new' ? '1.1' : '1.0';
  const lines = [
    `<?xml version="${version}" encoding="UTF-8"?>`,
    '<slave>',
    ...(computer.offlineReason === null ? [] : offlineCause(computer.offlineReason)),
    element('name', node.name),
    element('description', node.description),
    element('remoteFS', node.remoteFs),
    element('numExecutors', String(node.executors)),
    element('mode', node.mode),
    '  <retentionStrategy class="hudson.slaves.RetentionStrategy$Always"/>',
    ...launcher(node),
    node.labels.length > 0 ? element('label', node.labels.join(' ')) : '  <label></label>',
    '  <nodeProperties/>',
    ...(profile === 'old' ? [element('userId', 'nodepool')] : []),
    '</slave>',
  ];
  return lines.join('\n');
}

/** Takes over from a posted configuration what the world uses of it. */
export function readConfig(xml: string, node: JenkinsNode): { node: JenkinsNode; offlineReason: string | null } {
  if (!/<slave[\s>]/.test(xml) || !/<\/slave>\s*$/.test(xml)) throw crash('hudson.util.IOException2: Unable to read');
  const offline = /<temporaryOfflineCause[\s\S]*?<\/temporaryOfflineCause>/.exec(xml)?.[0] ?? null;
  const rest = offline === null ? xml : xml.replace(offline, '');
  const label = content(rest, 'label') ?? '';
  const executors = Number(content(rest, 'numExecutors') ?? node.executors);
  return {
    node: {
      ...node,
      description: content(rest, 'description') ?? '',
      labels: label.split(/\s+/).filter(Boolean),
      mode: content(rest, 'mode') === 'EXCLUSIVE' ? 'EXCLUSIVE' : 'NORMAL',
      executors: Number.isInteger(executors) ? executors : node.executors,
    },
    offlineReason: offline === null ? null : (content(offline, 'message') ?? ''),
  };
}

function offlineCause(reason: string): string[] {
  return [
    '  <temporaryOfflineCause class="hudson.slaves.OfflineCause$UserCause">',
    `    <message>${escapeText(reason)}</message>`,
    '  </temporaryOfflineCause>',
  ];
}

function launcher({ launcher: ssh }: JenkinsNode): string[] {
  if (!ssh) return ['  <launcher class="hudson.slaves.JNLPLauncher"/>'];
  return [
    '  <launcher class="hudson.plugins.sshslaves.SSHLauncher" plugin="ssh-slaves">',
    `    <host>${escapeText(ssh.host)}</host>`,
    `    <port>${ssh.port}</port>`,
    ...(ssh.credentialsId === null ? [] : [`    <credentialsId>${escapeText(ssh.credentialsId)}</credentialsId>`]),
    '  </launcher>',
  ];
}

function element(name: string, value: string): string {
  return `  <${name}>${escapeText(value)}</${name}>`;
}

function content(xml: string, name: string): string | null {
  const found = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(xml)?.[1];
  return found === undefined ? null : unescapeText(found);
}
