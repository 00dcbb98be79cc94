import { imageId, nodeId } from '../../src/domain/ids.js';
import { FakeDatabase, FakeStore } from '../support/fake-store.js';
import { imageStoreSuite } from './store-images.suite.js';
import { lossySuite } from './store-losses.suite.js';
import { storeSuite } from './store.suite.js';
import { startMs, startSeconds, type StorePlace, type StoreWorld } from './store.world.js';

function openFake(): Promise<StoreWorld> {
  let database = new FakeDatabase();
  const stores: FakeStore[] = [];
  const open = (now = () => startMs) => {
    const store = new FakeStore({ now, database });
    stores.push(store);
    return store;
  };
  const place: StorePlace = {
    open: ({ now } = {}) => open(now),
    openLossy: () => {
      const store = open();
      return Promise.resolve({ store, lose: what => store.loseReply(what) });
    },
    connections: () => database.slots.size,
    lose: async (_table, id) => database.lose(id),
    addSubnode: async (id, hostname) => {
      database.addSubnode(nodeId(id), { hostname, state: 'building', stateTime: startSeconds });
    },
    addSnapshot: async image => {
      database.addSnapshot({
        provider: 'rax',
        image,
        version: startSeconds,
        imageId: imageId('img-1'),
        state: 'ready',
        stateTime: startSeconds,
      });
    },
    killConnection: async (store, connection) => (store as FakeStore).killConnection(connection),
    killLock: async store => (store as FakeStore).loseLock(),
  };
  return Promise.resolve({
    database: async () => {
      database = new FakeDatabase();
      return place;
    },
    kill: async () => open().away(),
    revive: async () => open().back(),
    forbidWrites: async areForbidden => void (database.isReadOnly = areForbidden),
    statements: () => stores.reduce((sum, { calls }) => sum + calls.length, 0),
    stop: async () => undefined,
  });
}

storeSuite('the fake', openFake);
imageStoreSuite('the fake', openFake);
lossySuite('the fake', openFake);
