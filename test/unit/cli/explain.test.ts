import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ExplainView } from '../../../src/ports/control.js';
import { Harness } from './harness.js';

let cli: Harness;

beforeEach(async () => {
  cli = await Harness.open();
});

afterEach(async () => {
  await cli.close();
});

const at = 1_402_000_000_000;
const refused = { label: 'bare', provider: 'alpha', until: null };
const nothing: ExplainView = {
  at,
  roundAt: at - 4_000,
  sampledAt: null,
  labels: [],
  providers: [],
  node: null,
  rounds: [],
};

it('says in one screen why a label gets nothing, and what to do', async () => {
  const tune = 'nodepool tune alpha max-servers=N';
  cli.api.explainView = {
    ...nothing,
    labels: [
      {
        label: 'bare',
        verdict: '3 nodes wanted that are not launched: 2 of 2 providers refuse: max-servers, provider-closed',
        figures: null,
        refusals: [
          { ...refused, reason: 'max-servers', detail: 'alpha has room for 0 of 3 servers', next: tune },
          {
            ...refused,
            reason: 'provider-closed',
            provider: 'beta',
            detail: 'beta: HTTP 503',
            until: at + 90_000,
            next: 'wait',
          },
        ],
        images: [{ image: 'trusty', provider: 'beta', detail: 'its last build failed', next: 'look at it' }],
        failures: [
          {
            label: 'bare',
            provider: 'alpha',
            node: 17,
            at: at - 12_000,
            inARow: 3,
            detail: 'ssh.auth: no login',
            next: 'check username',
          },
        ],
        underWay: [
          {
            waitsFor: 'launch-permit',
            provider: 'alpha',
            step: 'queued',
            count: 2,
            secondsMax: 75,
            detail: 'as many as concurrency.launches',
            next: 'wait for it',
          },
        ],
      },
    ],
    rounds: [
      {
        at: at - 60_000,
        until: at - 4_000,
        rounds: 7,
        sampledAt: null,
        labels: [{ label: 'bare', minReady: 2, waiting: 1, stock: 0, wanted: 3, deficit: 3, granted: 4 }],
        refusals: [
          { ...refused, reason: 'max-servers', detail: '' },
          { ...refused, reason: 'max-servers', provider: 'beta', detail: '' },
        ],
        providers: [],
      },
    ],
  };
  await cli.serve();
  const { code, out } = await cli.ask('explain', 'label', 'bare', '--since', '1h');
  expect(code).toBe(0);
  expect(out).toBe(
    `
last round 4.0s ago, demand unknown: only min-ready counts

label bare: 3 nodes wanted that are not launched: 2 of 2 providers refuse: max-servers, provider-closed
  max-servers: alpha has room for 0 of 3 servers
    -> nodepool tune alpha max-servers=N
  provider-closed: beta: HTTP 503 (again in 90s)
    -> wait
  image trusty of beta: its last build failed
    -> look at it
  failed: the last 3 launches in alpha, node 17 12s ago: ssh.auth: no login
    -> check username
  2 on the way in alpha, step queued for up to 75s, waiting for launch-permit: as many as concurrency.launches
    -> wait for it

rounds, the latest last:
  2014-06-05 20:25:40 to 2014-06-05 20:26:36, 7 rounds: bare 4 granted, 3 wanted, 1 jobs waiting
    refused: bare max-servers in 2 providers
`.trimStart(),
  );
  expect(cli.api.calls).toEqual([['explain', { label: 'bare', since: at - 3_600_000 }]]);
});

it('says what a node waits for', async () => {
  cli.api.explainView = {
    ...nothing,
    node: {
      id: 17,
      label: 'bare',
      provider: 'alpha',
      state: 'building',
      step: 'register',
      since: at - 30_000,
      waitsFor: 'rest',
      until: at + 5_000,
      detail: 'the step register failed and is tried again',
      lastError: 'HTTP 500 from jenkins01',
      next: 'see the last error',
      story: [
        { at: at - 31_000, kind: 'step', what: 'ssh' },
        {
          at: at - 30_900,
          kind: 'call',
          what: 'ssh.login',
          subnode: null,
          waitedMs: 0,
          ms: 890,
          isOk: true,
          result: null,
        },
        { at: at - 30_000, kind: 'step', what: 'register' },
        {
          at: at - 27_000,
          kind: 'call',
          what: 'jenkins.createNode',
          subnode: null,
          waitedMs: 3_000,
          ms: 2_000,
          isOk: false,
          result: 'jenkins.unreachable: HTTP 500',
        },
      ],
    },
  };
  await cli.serve();
  expect((await cli.ask('explain', 'node', '17')).out).toBe(
    `
node        17, bare in alpha
state       building, step register, since 2014-06-05T20:26:10.000Z (30s ago)
waits for   rest: the step register failed and is tried again (in 5.0s)
last error  HTTP 500 from jenkins01
next        see the last error

story, the latest last:
  20:26:09.000  step  1.0s   ssh
  20:26:09.100  call  890ms    ssh.login
  20:26:10.000  step  30s    register
  20:26:13.000  call  2.0s     jenkins.createNode, after 3.0 s in the queue failed: jenkins.unreachable: HTTP 500
`.trimStart(),
  );
  expect(JSON.parse((await cli.ask('explain', 'node', '17', '-o', 'json')).out)).toEqual(cli.api.explainView);
});

it('asks for what there is, and says what there is not', async () => {
  await cli.serve();
  expect(await cli.ask('explain', 'label', 'other')).toMatchObject({ code: 3 });
  expect(await cli.ask('explain', 'label')).toMatchObject({ code: 2 });
  expect(await cli.ask('explain', 'colour', 'red')).toMatchObject({ code: 2 });
  expect(await cli.ask('explain', 'node', 'bare')).toMatchObject({ code: 2 });
  expect(await cli.run('explain')).toMatchObject({ code: 5 });
});
