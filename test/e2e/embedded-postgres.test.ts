import { mainJobSuite } from './main-job.suite.js';

/** Each daemon brings its own. */
mainJobSuite('embedded PostgreSQL', () =>
  Promise.resolve({ create: () => Promise.resolve('embedded:'), stop: () => Promise.resolve() }),
);
