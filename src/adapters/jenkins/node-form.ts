/**
 * The form that adds a slave (jenkins.md 2). Its JSON names each class twice: `stapler-class` for the masters of 2014,
 * `$class` for those of today.
 */
import type { CiNodeSpec } from '../../ports/ci.js';

const slaveType = 'hudson.slaves.DumbSlave$DescriptorImpl';
/** The pool has proved that SSH works: a master that cannot connect soon never will, and holds a thread meanwhile. */
const launchTimeoutSeconds = 60;
const launchRetries = 3;
const launchRetryWaitSeconds = 15;

/** `credentialsId` null: the user name and a key file on the master, which only ssh-slaves up to 0.22 understands. */
export function nodeForm(spec: CiNodeSpec, credentialsId: string | null): Record<string, string> {
  const json = {
    name: spec.name,
    nodeDescription: spec.description,
    numExecutors: '1',
    remoteFS: spec.remoteRoot,
    labelString: spec.labels ?? '',
    // Only jobs tied to the label.
    mode: 'EXCLUSIVE',
    type: slaveType,
    retentionStrategy: ofClass('hudson.slaves.RetentionStrategy$Always'),
    // Required by the masters of 2014, even when empty.
    nodeProperties: { 'stapler-class-bag': 'true' },
    launcher: launcher(spec, credentialsId),
  };
  return { name: spec.name, type: slaveType, json: JSON.stringify(json) };
}

function launcher(spec: CiNodeSpec, credentialsId: string | null): object {
  return {
    ...ofClass('hudson.plugins.sshslaves.SSHLauncher'),
    host: spec.host,
    port: spec.sshPort,
    ...(credentialsId === null ? { username: spec.username, privatekey: spec.privateKeyFile } : { credentialsId }),
    jvmOptions: '',
    javaPath: '',
    prefixStartSlaveCmd: '',
    suffixStartSlaveCmd: '',
    launchTimeoutSeconds,
    maxNumRetries: launchRetries,
    retryWaitTime: launchRetryWaitSeconds,
    sshHostKeyVerificationStrategy: hostKeyStrategy(spec.hostKey),
  };
}

/** A key of other than two fields is answered with 500, so a comment after it is left out. */
function hostKeyStrategy(hostKey: string | null): object {
  const [type, base64] = hostKey?.trim().split(/\s+/) ?? [];
  if (type === undefined || base64 === undefined) return ofVerifier('NonVerifyingKeyVerificationStrategy');
  return { ...ofVerifier('ManuallyProvidedKeyVerificationStrategy'), key: `${type} ${base64}` };
}

function ofVerifier(name: string): object {
  return ofClass(`hudson.plugins.sshslaves.verifiers.${name}`);
}

function ofClass(name: string): object {
  return { 'stapler-class': name, $class: name };
}
