import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // zeromq aborts the process when a thread ends with a receive pending: processes, not threads.
    pool: 'forks',
    // Far above what a test takes: it says that a test hangs, not that a machine is busy.
    testTimeout: 120_000,
    // A hook may install what is missing from Debian's packages, behind another that does.
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/{unit,runtime,contract,scenario,sim}/**/*.test.ts'],
          // Contract tests wait for servers and disks more than they compute.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          // They wait for daemons, databases and browsers more than they compute.
          maxWorkers: 2,
          testTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
