import { startMariadbServer, startPostgresServer } from '../contract/store.sql-servers.js';
import { adoptionSuite } from './adoption.suite.js';

adoptionSuite('MariaDB', startMariadbServer);
adoptionSuite('PostgreSQL', startPostgresServer);
