import { describe, expect, it } from 'vitest';

import { Fault } from '../../src/domain/fault.js';
import type { ShellLogin } from '../../src/ports/shell.js';
import { ManualClock } from '../../src/runtime/manual-clock.js';
import { FakeShell } from '../support/fake-shell.js';
import { rejectsWith } from './cloud.suite.js';
import { shellContract } from './shell.suite.js';

const login: ShellLogin = { host: '192.0.2.1', port: 22, username: 'jenkins', privateKeyFile: '/key', hostKey: null };

describe('machines in memory', () => {
  shellContract(async () => {
    const clock = new ManualClock();
    return {
      login,
      closedPort: 1,
      open: keys =>
        new FakeShell({
          clock,
          latencyMs: 50,
          answer({ port, privateKeyFile }) {
            if ([keys.missing, keys.encrypted, keys.publicOnly, keys.nonsense].includes(privateKeyFile))
              return 'ssh.key';
            if (privateKeyFile === keys.exposed) return 'ssh.key-exposed';
            if (port === 1) return 'ssh.unreachable';
            return privateKeyFile === keys.stranger ? 'ssh.auth' : null;
          },
        }),
      async settle(outcome) {
        outcome.catch(() => undefined);
        await clock.advance(30_000);
        return outcome;
      },
      async close() {},
    };
  });

  it('answer when their time has come', async () => {
    const clock = new ManualClock(0);
    const shell = new FakeShell({ clock, answer: (_login, nowMs) => (nowMs < 5_000 ? 'ssh.unreachable' : null) });
    const outcome = shell.check(login, { deadlineMs: 60_000 });
    await clock.advance(10_000);
    expect((await outcome).attempts).toBe(6);
  });

  it('meet what is scripted for the next check', async () => {
    const clock = new ManualClock(0);
    const shell = new FakeShell({ clock });
    shell.next(new Fault('ssh.auth', 'refused'), 'hang');
    await rejectsWith(shell.check(login, { deadlineMs: 1_000 }), 'ssh.auth');
    const hung = rejectsWith(shell.check(login, { deadlineMs: 1_000 }), 'ssh.timeout');
    await clock.advance(1_000);
    await hung;
    await shell.check(login, { deadlineMs: 1_000 });
    expect(shell.checks).toHaveLength(3);
  });
});
