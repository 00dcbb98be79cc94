import { imageStoreSuite } from './store-images.suite.js';
import { originalStoreSuite } from './store-original.suite.js';
import { startMariadbServer } from './store.sql-servers.js';
import { sqlWorld } from './store.sql-world.js';
import { lossySuite } from './store-losses.suite.js';
import { storeSuite } from './store.suite.js';

const open = async () => sqlWorld(await startMariadbServer());

storeSuite('MariaDB', open);
imageStoreSuite('MariaDB', open);
lossySuite('MariaDB', open);
originalStoreSuite('MariaDB', {
  start: startMariadbServer,
  idType: 'integer not null auto_increment primary key',
  countOn: () => null,
  // What servers of ten years have made of `create table … engine=InnoDB`.
  tableOptions: {
    'in latin1, in rows of the old format': 'engine=InnoDB row_format=compact default charset=latin1',
    'in utf8, in rows of the old format': 'engine=InnoDB row_format=compact default charset=utf8',
    'in utf8mb4': 'engine=InnoDB row_format=dynamic default charset=utf8mb4',
  },
});
