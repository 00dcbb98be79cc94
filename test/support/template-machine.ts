/**
 * A machine that images are built on, played by Debian's sshd and its SFTP server. What is above `/opt` and `/etc` is in
 * a folder of its own, so that a build leaves this machine as it is; and `sync` and `sleep`, which have nothing to do
 * here, are only noted.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSshd, type Sshd } from './sshd.js';

export interface TemplateMachine {
  readonly sshd: Sshd;
  /** Its `/`. */
  readonly root: string;
  /** What was called of what has nothing to do, in order. */
  calls(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function startTemplateMachine(): Promise<TemplateMachine> {
  const root = await mkdtemp(join(tmpdir(), 'nodepool-template-'));
  await mkdir(join(root, 'home'));
  await mkdir(join(root, 'etc'));
  const login = join(root, 'login');
  await writeFile(login, loginScript(root));
  await chmod(login, 0o755);
  const sshd = await startSshd({ more: [`ForceCommand ${login}`] });
  return {
    sshd,
    root,
    async calls() {
      const text = await readFile(join(root, 'calls'), 'utf8').catch(() => '');
      return text.split('\n').slice(0, -1);
    },
    async close() {
      await sshd.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Runs whatever is asked of the machine. */
function loginScript(root: string): string {
  return `#!/bin/sh
cd ${root}/home
case "$SSH_ORIGINAL_COMMAND" in
internal-sftp*) exec /usr/lib/openssh/sftp-server -d ${root}/home ;;
esac
command=$(printf '%s\\n' "$SSH_ORIGINAL_COMMAND" | sed 's# /opt# ${root}/opt#g; s# /etc/# ${root}/etc/#g')
exec sh -c "sudo() { \\"\\$@\\"; }
sync() { echo sync >> ${root}/calls; }
sleep() { echo \\"sleep \\$1\\" >> ${root}/calls; }
$command"
`;
}
