import { expect, test } from 'vitest';
import {
  crashPoints,
  isCrashPoint,
  recordsOfImage,
  recordsOfNode,
  recordsOfSubnode,
} from '../../src/domain/crash-points.js';
import { launchStepsInOrder } from '../../src/domain/node-row.js';
import { subnodeStepsInOrder } from '../../src/domain/subnode.js';
import { buildStepsInOrder, uploadStepsInOrder } from '../../src/domain/snapshot-row.js';

test('every step of a launch, of a subnode’s too, and of a build has its points', () => {
  for (const [index, step] of launchStepsInOrder.entries()) {
    const next = launchStepsInOrder[index + 1] ?? null;
    const records = recordsOfNode({ state: 'building', step }, { step: next });
    expect(records).toEqual(step === 'queued' ? [] : [`launch ${step}`]);
    for (const record of records) expect(isCrashPoint(`before ${record}`), record).toBe(true);
  }
  for (const step of subnodeStepsInOrder) {
    const records = recordsOfSubnode({ state: 'building', step }, { step: null, state: 'ready' });
    expect(records).toEqual([`subnode launch ${step}`, 'subnode ready']);
    for (const record of records) expect(isCrashPoint(`before ${record}`), record).toBe(true);
  }
  for (const step of new Set([...buildStepsInOrder, ...uploadStepsInOrder])) {
    const records = recordsOfImage({ state: 'building', step }, { step: 'start-over' });
    for (const record of records) expect(isCrashPoint(`after ${record}`), record).toBe(true);
  }
});

test('a write is named for what it records', () => {
  const building = { state: 'building', step: 'register' } as const;
  expect(recordsOfNode(building, { state: 'ready', step: null })).toEqual(['launch register', 'node ready']);
  expect(recordsOfNode({ state: 'building', step: 'queued' }, { step: 'create', sentAt: 1 })).toEqual(['sent create']);
  expect(recordsOfNode({ state: 'building', step: 'address' }, { addressSentAt: 1 })).toEqual(['sent address']);
  expect(recordsOfNode(building, { state: 'delete', step: 'servers' })).toEqual(['node delete']);
  expect(recordsOfNode({ state: 'delete', step: 'unregister+servers' }, { step: 'servers' })).toEqual([
    'delete unregister',
  ]);
  expect(recordsOfNode({ state: 'used', step: null }, { jobEndedAt: 1, deleteAt: 2 })).toEqual(['job ended']);
  expect(recordsOfNode(building, { lastError: 'x' })).toEqual([]);
  const subnode = { state: 'building', step: 'queued' } as const;
  expect(recordsOfSubnode(subnode, { step: 'create', sentAt: 1 })).toEqual(['subnode sent create']);
  expect(recordsOfSubnode({ ...subnode, step: 'address' }, { addressSentAt: 1 })).toEqual(['subnode sent address']);
  expect(recordsOfSubnode({ ...subnode, step: 'ssh' }, { state: 'delete', step: 'servers' })).toEqual([
    'subnode delete',
  ]);
  expect(recordsOfSubnode({ state: 'delete', step: 'servers' }, { lastError: 'x' })).toEqual([]);
  expect(recordsOfImage({ state: 'ready', step: 'template' }, { step: null })).toEqual(['remove template']);
  expect(recordsOfImage({ state: 'building', step: 'setup' }, { step: 'snapshot', sentAt: null })).toEqual([
    'build setup',
  ]);
});

test('no point is there twice', () => {
  expect(new Set(crashPoints).size).toBe(crashPoints.length);
});
