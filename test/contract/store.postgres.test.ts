import { imageStoreSuite } from './store-images.suite.js';
import { originalStoreSuite } from './store-original.suite.js';
import { startPostgresServer } from './store.sql-servers.js';
import { sqlWorld } from './store.sql-world.js';
import { lossySuite } from './store-losses.suite.js';
import { storeSuite } from './store.suite.js';

const open = async () => sqlWorld(await startPostgresServer());

storeSuite('PostgreSQL', open);
imageStoreSuite('PostgreSQL', open);
lossySuite('PostgreSQL', open);
originalStoreSuite('PostgreSQL', {
  start: startPostgresServer,
  idType: 'serial primary key',
  countOn: table => `select setval(pg_get_serial_sequence('${table}', 'id'), (select max(id) from ${table}))`,
  tableOptions: { 'as usual': '' },
});
