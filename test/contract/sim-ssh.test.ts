import { readFileSync } from 'node:fs';
import ssh2, { type ConnectConfig } from 'ssh2';
import { afterEach, expect, it } from 'vitest';
import type { World } from '../../src/sim/world.js';
import { until } from '../support/until.js';
import { bootMachine, cloudOf, startSmallWorld } from '../support/world.js';

let world: World;
afterEach(() => world.close());

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly hostKey: string;
}

/** Runs one command as anybody with the world's key would. */
function run(host: string, command: string, more: ConnectConfig = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let hostKey = '';
    client.on('error', reject).on('ready', () => {
      client.exec(command, (error, channel) => {
        if (error) return reject(error);
        let stdout = '';
        let stderr = '';
        channel.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
        channel.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
        channel.on('close', (code: number | null) => {
          client.end();
          resolve({ code, stdout, stderr, hostKey });
        });
      });
    });
    client.connect({
      host,
      port: world.ssh.port,
      username: world.ssh.username,
      privateKey: readFileSync(world.ssh.privateKeyFile),
      hostVerifier: (key: Buffer) => {
        hostKey = `ssh-ed25519 ${key.toString('base64')}`;
        return true;
      },
      ...more,
    });
  });
}

it('answers on the address of an active machine, with the key that the world names', async () => {
  world = await startSmallWorld();
  const { address } = await bootMachine(world);
  const answer = await run(address, 'echo access okay');
  expect(answer).toEqual({ code: 0, stdout: 'access okay\n', stderr: '', hostKey: world.ssh.hostKey });
});

it('does not know every command', async () => {
  world = await startSmallWorld();
  const { address } = await bootMachine(world);
  expect(await run(address, 'reboot now')).toMatchObject({ code: 127, stdout: '' });
});

it('refuses other keys and other users', async () => {
  world = await startSmallWorld({ usernames: ['zuul'] });
  const { address } = await bootMachine(world);
  const refusal = { level: 'client-authentication' };
  await expect(run(address, 'true', { username: 'root' })).rejects.toMatchObject(refusal);
  const { private: privateKey } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  await expect(run(address, 'true', { privateKey })).rejects.toMatchObject(refusal);
});

it('answers only after the boot delay, and not once the server is deleted', async () => {
  world = await startSmallWorld();
  cloudOf(world).settings.sshDelayMs = [100, 100];
  const booting = bootMachine(world);
  const active = await until(() =>
    cloudOf(world)
      .servers()
      .find(server => server.address !== null),
  );
  await expect(run(active.address ?? '', 'true')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  const { serverId, address } = await booting;
  expect(await run(address, 'true')).toMatchObject({ code: 0 });
  cloudOf(world).destroyServer(serverId);
  await expect(run(address, 'true')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
