import type { ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2';

/** `TYPE BASE64` of a host key as it goes over the wire: its type is its first string. */
export function hostKeyText(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  const type = key.toString('latin1', 4, Math.min(4 + length, key.length));
  return `${type} ${key.toString('base64')}`;
}

const algorithmsOfType: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
};

/**
 * Asks first for the type that was recorded: a machine that makes its keys one after the other at first boot would
 * otherwise show another one later, and look like another machine.
 */
export function hostKeyAlgorithms(recorded: string): Pick<ConnectConfig, 'algorithms'> {
  const preferred = [...(algorithmsOfType[recorded.split(' ')[0] ?? ''] ?? [])];
  if (preferred.length === 0) return {};
  // Removed first: what is in the list already is not moved to its front.
  return { algorithms: { serverHostKey: { append: [], remove: preferred, prepend: preferred } } };
}
