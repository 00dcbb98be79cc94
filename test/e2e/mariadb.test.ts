import { startMariadb } from '../support/mariadb.js';
import { mainJobSuite } from './main-job.suite.js';

mainJobSuite('MariaDB', async () => {
  const server = await startMariadb();
  return { create: name => server.createDatabase(name), stop: () => server.stop() };
});
