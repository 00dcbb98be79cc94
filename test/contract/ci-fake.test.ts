import { Fault } from '../../src/domain/fault.js';
import { FakeCi } from '../support/fake-ci.js';
import { ciContract } from './ci.suite.js';

ciContract('the fake', async () => {
  const ci = new FakeCi();
  return {
    ci,
    slave(name) {
      const slave = ci.slaves.get(name);
      if (slave === undefined) return null;
      const { host, labels } = slave.spec;
      return { host, labels: labels?.split(' ') ?? [], offlineReason: slave.offlineReason };
    },
    async quietDown() {
      ci.quietingDown = true;
    },
    loseAnswer: op => ci.next(op, { loseReply: new Fault('jenkins.unreachable', 'lost') }),
    hang: op => ci.next(op, 'hang'),
    testJobs: () => ci.testJobs,
    statusCalls: () => ci.callsOf('status').length,
    failNext: op => ci.next(op, new Fault('jenkins.error', 'HTTP 500')),
    async down() {
      ci.down();
    },
    async end() {
      await ci.close();
    },
  };
});
