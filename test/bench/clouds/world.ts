/** The simulated world in a process of its own, so that what it costs is not measured with the daemon's threads. */
import { getPriority, setPriority } from 'node:os';
import { startWorld } from '../../../src/sim/world.js';
import type { WorldAccess, WorldSight, WorldTraits } from './parts.js';

// In truth its machines are elsewhere: it is not to take the processor from those who are measured.
setPriority(Math.min(19, getPriority() + 10));
const { clouds, callMs, usernames } = JSON.parse(process.argv[2] ?? '') as WorldTraits;
const world = await startWorld({
  clouds: Array.from({ length: clouds }, (_, index) => ({ name: `cloud${index + 1}`, images: ['img'], callMs })),
  masters: [],
  usernames,
});
const access: WorldAccess = {
  clouds: [...world.clouds.values()].map(({ name, authUrl, username, password, projectName }) => ({
    ...{ name, authUrl, username, password, projectName },
  })),
  ssh: { port: world.ssh.port, username: world.ssh.username, privateKeyFile: world.ssh.privateKeyFile },
};
process.send?.(access);

process.on('message', () => {
  const serversMade = [...world.clouds.values()].reduce((sum, cloud) => sum + cloud.counts().created, 0);
  process.send?.({ serversMade } satisfies WorldSight);
});
process.once('disconnect', () => void world.close());
