import { FakeDemand } from '../support/fake-demand.js';
import { demandContract } from './demand.suite.js';

demandContract('the fake', async () => {
  const source = new FakeDemand();
  const server = { host: 'zuul', port: 4730 };
  const functions: { name: string; total: number }[] = [];
  return {
    source,
    server,
    async submit(name, total) {
      functions.push({ name, total });
      source.set(server, functions);
    },
    async down() {
      source.down(server);
    },
    end: async () => undefined,
  };
});
