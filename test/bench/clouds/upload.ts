/** What a large image costs in memory on its way from a file to Glance, in the process that has the daemon's threads. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

import { WorkerPools } from '../../../src/adapters/workers/workers.js';
import type { UploadSpec } from '../../../src/ports/cloud.js';
import { openBenchCloud, startPeer } from './parts.js';

const MIB = 1024 * 1024;
const WARM_MIB = 64;
const IMAGE_MIB = 4096;
const SAMPLE_MS = 20;

export interface UploadFigures {
  readonly mib: number;
  readonly seconds: number;
  /** By how much the resident memory of the process grew at its peak, above a first small upload's. */
  readonly growthMib: number;
  readonly progressReports: number;
}

export async function measureUpload(): Promise<UploadFigures> {
  const sink = await startPeer<number>('sink.ts');
  const pools = new WorkerPools();
  const authUrl = `http://127.0.0.1:${sink.said}/v3`;
  const cloud = openBenchCloud({ name: 'c', authUrl, username: 'u', password: 'p', projectName: 't' }, pools);
  const dir = await mkdtemp(join(tmpdir(), 'nodepool-bench-'));
  const upload = async (mib: number): Promise<number> => {
    const file = join(dir, 'image.raw');
    await makeSparse(file, mib * MIB);
    const spec: UploadSpec = { name: 'i', file, diskFormat: 'raw', containerFormat: 'bare', properties: {} };
    let reports = 0;
    await cloud.uploadImage(spec, { deadlineMs: 3_600_000, onProgress: () => reports++ });
    return reports;
  };
  await upload(WARM_MIB);
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MS);
  const start = performance.now();
  const progressReports = await upload(IMAGE_MIB);
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  await cloud.close();
  await pools.close();
  await sink.stop();
  await rm(dir, { recursive: true });
  return { mib: IMAGE_MIB, seconds, growthMib: (peak - before) / MIB, progressReports };
}

async function makeSparse(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(bytes);
  await file.close();
}
