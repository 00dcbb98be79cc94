import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { serverId } from '../../src/domain/ids.js';
import type { Decision, DecidingNode, NodeFact } from '../../src/domain/node.js';
import { decide, jobTimes, nodeFacts, nodeTable } from '../../src/domain/node.js';
import type { NodeStep } from '../../src/domain/node-row.js';
import type { NodeState } from '../../src/domain/states.js';
import { nodeStates } from '../../src/domain/states.js';

const steps = [
  'queued',
  'create',
  'boot',
  'address',
  'ssh',
  'group',
  'files',
  'ready-script',
  'register',
  'test-job',
  'relabel',
  'unregister+servers',
  'unregister',
  'servers',
  'row',
] as const satisfies readonly NodeStep[];

const aNode = (state: NodeState, rest: Partial<DecidingNode> = {}): DecidingNode => ({
  state,
  step: null,
  jobStartedAt: null,
  jobEndedAt: null,
  sentAt: 1,
  serverId: serverId('s-1'),
  ...rest,
});

/** `→ ready`, `→ used +job-started`, `keep job-ended`, `ignore`, `refuse`. */
function short(decision: Decision): string {
  if (decision.kind === 'move') return `→ ${decision.to}${decision.note === null ? '' : ` +${decision.note}`}`;
  return decision.kind === 'keep' ? `keep ${decision.note}` : decision.kind;
}

/** One row for each fact, one column for each state; a building node is at `boot`, a held one was ready before. */
const cells: Record<NodeFact, Record<NodeState, string>> = {
  launched: { building: '→ ready', ready: 'ignore', test: 'ignore', used: 'ignore', hold: 'ignore', delete: 'ignore' },
  'launched-untested': {
    building: '→ test',
    ready: 'ignore',
    test: 'ignore',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'launch-failed': {
    building: '→ delete',
    ready: 'ignore',
    test: '→ delete',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'launch-lost': {
    building: '→ used',
    ready: 'ignore',
    test: '→ used',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'job-started': {
    building: 'ignore',
    ready: '→ used +job-started',
    test: '→ used +job-started',
    used: 'ignore',
    hold: 'keep job-started',
    delete: 'ignore',
  },
  'job-finished': {
    building: 'ignore',
    ready: '→ used +job-ended',
    test: '→ used +job-ended',
    used: 'keep job-ended',
    hold: 'keep job-ended',
    delete: 'ignore',
  },
  'test-job-started': {
    building: 'ignore',
    ready: 'ignore',
    test: 'keep job-started',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'test-passed': {
    building: 'ignore',
    ready: 'ignore',
    test: '→ ready',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'test-failed': {
    building: 'ignore',
    ready: 'ignore',
    test: '→ delete',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'delay-over': {
    building: 'ignore',
    ready: 'ignore',
    test: 'ignore',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'hold-asked': {
    building: '→ hold',
    ready: '→ hold',
    test: '→ hold',
    used: '→ hold +job-started',
    hold: 'keep hold-renewed',
    delete: 'refuse',
  },
  'hold-expired': {
    building: 'ignore',
    ready: 'ignore',
    test: 'ignore',
    used: 'ignore',
    hold: '→ ready',
    delete: 'ignore',
  },
  'release-asked': {
    building: 'refuse',
    ready: 'refuse',
    test: 'refuse',
    used: 'refuse',
    hold: '→ ready',
    delete: 'refuse',
  },
  'delete-asked': {
    building: '→ delete',
    ready: '→ delete',
    test: '→ delete',
    used: '→ delete',
    hold: '→ delete',
    delete: 'ignore',
  },
  'check-failed': {
    building: 'ignore',
    ready: '→ delete',
    test: 'ignore',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'too-old': {
    building: '→ delete',
    ready: 'ignore',
    test: '→ delete',
    used: '→ delete',
    hold: 'ignore',
    delete: 'ignore',
  },
  'server-gone': {
    building: 'ignore',
    ready: '→ delete',
    test: '→ delete',
    used: '→ delete',
    hold: 'keep server-gone',
    delete: 'ignore',
  },
  'member-gone': {
    building: 'ignore',
    ready: '→ delete',
    test: '→ delete',
    used: 'ignore',
    hold: 'keep server-gone',
    delete: 'ignore',
  },
  outdated: {
    building: 'ignore',
    ready: '→ delete',
    test: 'ignore',
    used: 'ignore',
    hold: 'ignore',
    delete: 'ignore',
  },
  'slave-gone': {
    building: 'ignore',
    ready: '→ delete',
    test: '→ delete',
    used: 'keep job-ended',
    hold: 'keep job-ended',
    delete: 'ignore',
  },
};

describe('the table of a node’s life', () => {
  for (const fact of nodeFacts) {
    for (const state of nodeStates) {
      test(`${state} + ${fact}: ${cells[fact][state]}`, () => {
        const node = aNode(state, { step: state === 'building' ? 'boot' : null });
        expect(short(decide(node, fact))).toBe(cells[fact][state]);
      });
    }
  }

  test('has an answer with a reason for each state and fact', () => {
    expect(Object.keys(nodeTable).sort()).toEqual([...nodeStates].sort());
    for (const state of nodeStates) expect(Object.keys(nodeTable[state]).sort()).toEqual([...nodeFacts].sort());
  });
});

describe('a job', () => {
  test.each(['queued', 'create', 'boot', 'address', 'ssh', 'group', 'files', 'ready-script'] as const)(
    'that is heard of at step %s is another node’s',
    step => {
      expect(decide(aNode('building', { step }), 'job-started').kind).toBe('ignore');
      expect(decide(aNode('building', { step }), 'job-finished').kind).toBe('ignore');
    },
  );

  test('may start from register on, before the launch is recorded, whose own change is then ignored', () => {
    expect(short(decide(aNode('building', { step: 'register' }), 'job-started'))).toBe('→ used +job-started');
    expect(short(decide(aNode('building', { step: 'register' }), 'job-finished'))).toBe('→ used +job-ended');
    expect(decide(aNode('used', { step: 'register', jobStartedAt: 5 }), 'launched').kind).toBe('ignore');
    expect(decide(aNode('used', { step: 'register', jobStartedAt: 5 }), 'launch-failed').kind).toBe('ignore');
  });

  test('that has ended is recorded once, and its node is deleted after the delay', () => {
    const ended = aNode('used', { jobStartedAt: 5, jobEndedAt: 9 });
    expect(short(decide(aNode('used', { jobStartedAt: 5 }), 'job-finished'))).toBe('keep job-ended');
    expect(short(decide(ended, 'job-finished'))).toBe('ignore');
    expect(short(decide(ended, 'delay-over'))).toBe('→ delete');
  });

  test('that still runs is not cut off by a late delay', () => {
    expect(decide(aNode('used', { jobStartedAt: 5 }), 'delay-over').kind).toBe('ignore');
  });

  test('leaves its times: started, ended, and forgotten when a test made the node ready', () => {
    expect(jobTimes(decide(aNode('ready'), 'job-started'), 7)).toEqual({ jobStartedAt: 7 });
    expect(jobTimes(decide(aNode('used', { jobStartedAt: 7 }), 'job-finished'), 8)).toEqual({ jobEndedAt: 8 });
    expect(jobTimes(decide(aNode('test', { jobStartedAt: 7 }), 'test-passed'), 9)).toEqual({
      jobStartedAt: null,
      jobEndedAt: null,
    });
    expect(jobTimes(decide(aNode('ready'), 'too-old'), 9)).toEqual({});
    expect(jobTimes(decide(aNode('ready'), 'delete-asked'), 9)).toEqual({});
    expect(jobTimes(decide(aNode('hold'), 'hold-asked'), 9)).toEqual({});
  });
});

describe('a released node', () => {
  test('that had no job is ready', () => {
    expect(short(decide(aNode('hold'), 'release-asked'))).toBe('→ ready');
  });
  test.each(['queued', 'create', 'boot', 'address', 'ssh', 'group', 'files', 'ready-script', 'register'] as const)(
    'goes on with its launch at step %s, with or without a server',
    step => {
      expect(short(decide(aNode('hold', { step }), 'release-asked'))).toBe('→ building');
      expect(short(decide(aNode('hold', { step, serverId: null, sentAt: null }), 'release-asked'))).toBe('→ building');
    },
  );
  test.each(['test-job', 'relabel'] as const)('goes on with its test at step %s', step => {
    expect(short(decide(aNode('hold', { step, jobStartedAt: 5 }), 'release-asked'))).toBe('→ test');
  });
  test('whose job runs is used, also when the job started at register', () => {
    expect(short(decide(aNode('hold', { jobStartedAt: 5 }), 'release-asked'))).toBe('→ used');
    expect(short(decide(aNode('hold', { jobStartedAt: 5, step: 'register' }), 'release-asked'))).toBe('→ used');
  });
  test('whose job has ended is deleted', () => {
    expect(short(decide(aNode('hold', { jobStartedAt: 5, jobEndedAt: 6 }), 'release-asked'))).toBe('→ delete');
    expect(short(decide(aNode('hold', { jobEndedAt: 6 }), 'hold-expired'))).toBe('→ delete');
  });
  test('that the original left without a server is deleted', () => {
    expect(short(decide(aNode('hold', { serverId: null, sentAt: null }), 'release-asked'))).toBe('→ delete');
  });
  test('fares the same when its hold expires', () => {
    fc.assert(
      fc.property(
        nodes.map(node => ({ ...node, state: 'hold' as const })),
        node => {
          expect(short(decide(node, 'hold-expired'))).toBe(short(decide(node, 'release-asked')));
        },
      ),
    );
  });
});

describe('a lost member of a group', () => {
  test('is replaced by itself until the group is whole, and from then on with its group', () => {
    expect(short(decide(aNode('building', { step: 'group' }), 'member-gone'))).toBe('ignore');
    for (const step of ['files', 'ready-script', 'register'] as const) {
      expect(short(decide(aNode('building', { step }), 'member-gone'))).toBe('→ delete');
    }
  });
});

const time = fc.option(fc.integer({ min: 1, max: 99 }), { nil: null });
const nodes: fc.Arbitrary<DecidingNode> = fc.record({
  state: fc.constantFrom(...nodeStates),
  step: fc.option(fc.constantFrom<NodeStep>(...steps), { nil: null }),
  jobStartedAt: time,
  jobEndedAt: time,
  sentAt: time,
  serverId: fc.option(fc.constant(serverId('s')), { nil: null }),
});
const facts = fc.constantFrom(...nodeFacts);

/** What the store holds after the decision. */
function apply(node: DecidingNode, fact: NodeFact, at: number): DecidingNode {
  const decision = decide(node, fact);
  const state = decision.kind === 'move' ? decision.to : node.state;
  return { ...node, ...jobTimes(decision, at), state };
}

describe('whatever happens', () => {
  test('each answer has a reason, and a move goes somewhere else', () => {
    fc.assert(
      fc.property(nodes, facts, (node, fact) => {
        const decision = decide(node, fact);
        expect(decision.why).not.toBe('');
        if (decision.kind === 'move') expect(decision.to).not.toBe(node.state);
      }),
    );
  });

  test('a held node is moved by release, expiry and delete only', () => {
    fc.assert(
      fc.property(nodes, facts, (node, fact) => {
        const decision = decide({ ...node, state: 'hold' }, fact);
        if (decision.kind === 'move') expect(['release-asked', 'hold-expired', 'delete-asked']).toContain(fact);
      }),
    );
  });

  test('delete is final', () => {
    fc.assert(
      fc.property(nodes, facts, (node, fact) => {
        expect(['ignore', 'refuse']).toContain(decide({ ...node, state: 'delete' }, fact).kind);
      }),
    );
  });

  test('only operator commands are refused', () => {
    fc.assert(
      fc.property(nodes, facts, (node, fact) => {
        if (decide(node, fact).kind === 'refuse') expect(['hold-asked', 'release-asked']).toContain(fact);
      }),
    );
  });

  test('a node that had a job is never ready or building again', () => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 30 }), history => {
        let node = aNode('ready');
        let hadJob = false;
        for (const [i, fact] of history.entries()) {
          const taken = fact === 'job-started' || fact === 'job-finished';
          if (taken && node.state !== 'delete') hadJob = true;
          node = apply(node, fact, i + 1);
          if (hadJob) expect(['used', 'hold', 'delete']).toContain(node.state);
        }
      }),
    );
  });

  test('no delay, check or release deletes a node whose job runs', () => {
    fc.assert(
      fc.property(nodes, facts, (node, fact) => {
        const running = { ...node, jobStartedAt: 5, jobEndedAt: null };
        if (running.state !== 'used' && running.state !== 'hold') return;
        const decision = decide(running, fact);
        if (decision.kind === 'move' && decision.to === 'delete') {
          // Where no server is, no job runs any more.
          expect(['delete-asked', 'too-old', 'server-gone']).toContain(fact);
        }
      }),
    );
  });
});
