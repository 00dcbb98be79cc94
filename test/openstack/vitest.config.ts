import { defineConfig } from 'vitest/config';

/** `npm run test:openstack`: a real cloud takes minutes, so this is no part of `npm test`. */
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/openstack/**/*.test.ts'],
    // One cloud for all of them, and one project.
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 600_000,
  },
});
