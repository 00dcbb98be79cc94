import { expect, test } from 'vitest';
import { snapshotImage } from '../support/pool-config.js';
import { startPool } from '../support/pool.js';

test('alien servers are those that no row names: neither nodes, nor those that are asked for just now, lesson 161', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.rest();
  const cloud = pool.cloud();
  const foreign = cloud.addForeign('database-1');
  const marked = cloud.addForeign('leaked', { nodepool_tag: 'np-fake-leaked' });
  const [first] = pool.in('ready');
  if (first) await pool.delete(first.id);
  await pool.until(() => pool.in('building').length === 1);
  const view = await pool.answer(pool.api.alienServers(null));
  expect(view?.troubles).toEqual([]);
  expect(view?.aliens).toMatchObject([
    { provider: 'alpha', hostname: 'database-1', serverId: foreign, mark: null },
    { provider: 'alpha', hostname: 'leaked', serverId: marked, mark: 'np-fake-leaked' },
  ]);
});

test('template servers and images of builds are no aliens, and snapshots of others are', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', image: 'snap', minReady: 0 }],
    providers: [{ name: 'alpha', images: [snapshotImage()] }],
  });
  await pool.until(() => pool.snapshots().some(({ step }) => step === 'setup'));
  expect((await pool.answer(pool.api.alienServers('alpha')))?.aliens).toEqual([]);
  await pool.until(() => pool.snapshots().some(({ state }) => state === 'ready'), 3_600_000);
  const [own] = pool.cloud().ownImages;
  const metadata = { image_type: 'snapshot', nodepool_tag: String(own?.metadata['nodepool_tag']) };
  const copy = { ...metadata, nodepool_name: String(own?.name) };
  pool
    .cloud()
    .images.push(
      { id: 'i-1' as never, name: 'backup', status: 'active', metadata: { image_type: 'snapshot' } },
      { id: 'i-2' as never, name: 'copy of a held node', status: 'active', metadata: copy },
    );
  const view = await pool.answer(pool.api.alienImages(null));
  expect(view?.aliens.map(({ name, imageId }) => [name, imageId])).toEqual([
    ['backup', 'i-1'],
    ['copy of a held node', 'i-2'],
  ]);
});

test('a cloud that does not answer hides no alien of another, and is named, lesson 161', async () => {
  const pool = await startPool({ providers: [{ name: 'alpha' }, { name: 'beta' }] });
  await pool.rest();
  pool.cloud('beta').addForeign('database-1');
  pool.cloud('alpha').down();
  const view = await pool.answer(pool.api.alienServers(null), 300_000);
  expect(view?.aliens).toMatchObject([{ provider: 'beta', hostname: 'database-1' }]);
  expect(view?.troubles).toMatchObject([{ provider: 'alpha' }]);
  const images = await pool.answer(pool.api.alienImages('alpha'), 300_000);
  expect(images?.troubles).toHaveLength(1);
});

test('a provider that nobody knows has no aliens', async () => {
  const pool = await startPool();
  expect(await pool.answer(pool.api.alienServers('gamma'))).toBeNull();
  expect(await pool.answer(pool.api.alienImages('gamma'))).toBeNull();
});
