/**
 * Images are released with care: the first launches from a new image are its canaries, and every other launch stays with
 * its predecessor until they have told how it does. It is set back where a larger share of its launches failed.
 */
import type { FaultKind } from './fault.js';
import type { LaunchStep } from './node-row.js';

/** Launches of one image whose end is known. */
export interface LaunchRecord {
  readonly launches: number;
  readonly failures: number;
}

export interface Trial {
  readonly candidate: LaunchRecord;
  readonly predecessor: LaunchRecord;
  /** How many canaries there are to be. */
  readonly canaries: number;
}

export type Verdict =
  | { readonly kind: 'go-on' }
  | { readonly kind: 'trust'; readonly why: string }
  | { readonly kind: 'set-back'; readonly why: string };

/** Whether the next launch is a canary: `underWay` of them are launched and have not ended. */
export function wantsCanary({ candidate, canaries }: Trial, underWay: number): boolean {
  return candidate.launches + underWay < canaries;
}

/**
 * The share of all canaries that has failed already is compared, so that a verdict against an image needs not wait for
 * those that remain: even if they all come up, its share is the larger one.
 */
export function judge({ candidate, predecessor, canaries }: Trial): Verdict {
  const share = predecessor.launches === 0 ? 0 : predecessor.failures / predecessor.launches;
  const of = `of its predecessor ${predecessor.failures} of ${predecessor.launches}`;
  if (candidate.failures > share * canaries) {
    return { kind: 'set-back', why: `${candidate.failures} of ${canaries} canary launches failed, ${of}` };
  }
  if (candidate.launches < canaries) return { kind: 'go-on' };
  return { kind: 'trust', why: `${candidate.failures} of ${canaries} canary launches failed, ${of}` };
}

/** How a launch ended, as far as its image is concerned. */
export type LaunchEnding =
  | 'up'
  | 'failed'
  /** Of a cloud or a master in trouble, or called off: it says nothing about the image. */
  | 'void';

/** Whether a launch that failed at this step in this way may have failed because of its image. */
export function endingOfFailure(step: LaunchStep, kind: FaultKind): LaunchEnding {
  return blamed[step]?.includes(kind) === true ? 'failed' : 'void';
}

const ofTheMachine: readonly FaultKind[] = [
  'cloud.server-error',
  'cloud.launch-timeout',
  'cloud.no-address',
  'ssh.unreachable',
  'ssh.timeout',
  'ssh.auth',
  'ssh.protocol',
  'ssh.command',
];

/** A create is refused for its image where that is too large for the flavor, or gone. */
const blamed: Readonly<Partial<Record<LaunchStep, readonly FaultKind[]>>> = {
  create: ['cloud.refused', 'cloud.not-found'],
  boot: ofTheMachine,
  address: ofTheMachine,
  ssh: ofTheMachine,
  files: ofTheMachine,
  'ready-script': ofTheMachine,
};
