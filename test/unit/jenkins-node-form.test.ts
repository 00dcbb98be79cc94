import { describe, expect, it } from 'vitest';
import { nodeForm } from '../../src/adapters/jenkins/node-form.js';
import { nodeName } from '../../src/domain/ids.js';

const spec = {
  name: nodeName('n1'),
  description: 'Dynamic single use devstack node',
  labels: 'devstack',
  host: '192.0.2.1',
  sshPort: 2222,
  remoteRoot: '/home/jenkins',
  username: 'jenkins',
  privateKeyFile: '/key',
  hostKey: null,
};

function json(form: Record<string, string>): Record<string, unknown> & { launcher: Record<string, unknown> } {
  return JSON.parse(form['json'] ?? '') as Record<string, unknown> & { launcher: Record<string, unknown> };
}

describe('the form of a new slave', () => {
  it('has everything that masters of 2014 and of today require', () => {
    const form = nodeForm(spec, 'ID');
    expect(form).toMatchObject({ name: 'n1', type: 'hudson.slaves.DumbSlave$DescriptorImpl' });
    expect(json(form)).toMatchObject({
      name: 'n1',
      nodeDescription: 'Dynamic single use devstack node',
      numExecutors: '1',
      remoteFS: '/home/jenkins',
      labelString: 'devstack',
      mode: 'EXCLUSIVE',
      nodeProperties: { 'stapler-class-bag': 'true' },
      retentionStrategy: {
        'stapler-class': 'hudson.slaves.RetentionStrategy$Always',
        $class: 'hudson.slaves.RetentionStrategy$Always',
      },
    });
    expect(json(form).launcher).toMatchObject({
      'stapler-class': 'hudson.plugins.sshslaves.SSHLauncher',
      $class: 'hudson.plugins.sshslaves.SSHLauncher',
      host: '192.0.2.1',
      port: 2222,
      credentialsId: 'ID',
    });
  });

  it('names a key file on the master only without credentials of the master', () => {
    expect(json(nodeForm(spec, 'ID')).launcher).not.toHaveProperty('privatekey');
    const launcher = json(nodeForm(spec, null)).launcher;
    expect(launcher).toMatchObject({ username: 'jenkins', privatekey: '/key' });
    expect(launcher).not.toHaveProperty('credentialsId');
  });

  it('has an empty label while a test job is pending', () => {
    expect(json(nodeForm({ ...spec, labels: null }, 'ID'))).toMatchObject({ labelString: '' });
  });

  it.each([
    ['ssh-ed25519 AAAA', 'Provided', 'ssh-ed25519 AAAA'],
    ['ssh-ed25519 AAAA root@host', 'Provided', 'ssh-ed25519 AAAA'],
    ['AAAA', 'NonVerifying', undefined],
    [null, 'NonVerifying', undefined],
  ])('verifies the host key %s: %s', (hostKey, strategy, key) => {
    const chosen = json(nodeForm({ ...spec, hostKey }, 'ID')).launcher['sshHostKeyVerificationStrategy'];
    expect(chosen).toMatchObject({ $class: expect.stringContaining(strategy) as string });
    expect((chosen as { key?: string }).key).toBe(key);
  });
});
