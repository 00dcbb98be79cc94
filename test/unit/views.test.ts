import { expect, test } from 'vitest';
import { nodeId, nodeName, serverId, subnodeId } from '../../src/domain/ids.js';
import type { NodeRow } from '../../src/domain/node-row.js';
import { imageView, nodeDetail, nodeView } from '../../src/domain/views.js';
import type { ImageView, NodeDetail, NodeView } from '../../src/ports/control.js';
import { emptyNode, emptySubnode } from '../support/fake-store.js';
import { snapshotRow } from '../support/snapshot-row.js';

const row: NodeRow = {
  ...emptyNode,
  id: nodeId(7),
  provider: 'p',
  label: 'l',
  target: 't',
  nodename: nodeName('l-p-7'),
  serverId: serverId('s-7'),
  state: 'building',
  stateTime: 1000,
  step: 'boot',
  groupSize: 2,
  revision: 3,
  subnodes: [{ ...emptySubnode, id: subnodeId(9), nodeId: nodeId(7), state: 'building', stateTime: 1000 }],
};

test('a node is shown as the API says, without what is ours alone', () => {
  const view: NodeView = nodeView(row, 1_090_500);
  expect(view).toEqual({
    id: 7,
    provider: 'p',
    az: null,
    label: 'l',
    target: 't',
    hostname: null,
    nodename: 'l-p-7',
    serverId: 's-7',
    ip: null,
    ipPrivate: null,
    state: 'building',
    step: 'boot',
    ageSeconds: 90,
    reason: null,
    subnodes: [{ id: 9, serverId: null, hostname: null, ip: null, state: 'building', step: null }],
  });
});

test('the reason of a node is why it is held, or else what went wrong last', () => {
  expect(nodeView({ ...row, lastError: 'no route' }, 0).reason).toBe('no route');
  expect(nodeView({ ...row, lastError: 'no route', reason: 'looking at it' }, 0).reason).toBe('looking at it');
});

test('the detail of a node has what its machine said last', () => {
  const detail: NodeDetail = nodeDetail({ ...row, lastError: 'no route', console: 'login:' }, 0);
  expect(detail).toMatchObject({ id: 7, step: 'boot', lastError: 'no route', console: 'login:', snapshotId: null });
});

test('no age is negative', () => {
  expect(nodeView(row, 0).ageSeconds).toBe(0);
});

test('an image is shown as the API says', () => {
  const image = snapshotRow(3, 1, { hostname: 'p-bare-1', stateTime: 10 });
  const view: ImageView = imageView(image, 20_000);
  expect(view).toEqual({
    id: 3,
    provider: 'p',
    image: 'bare',
    hostname: 'p-bare-1',
    version: 1,
    imageId: null,
    serverId: null,
    state: 'ready',
    ageSeconds: 10,
    step: null,
    standing: null,
    reason: null,
    launches: 0,
    launchFailures: 0,
  });
});
