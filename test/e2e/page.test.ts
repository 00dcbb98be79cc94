/** The live page of the demo, and that of a pool of ten thousand nodes, in a real browser. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeStates } from '../../src/domain/states.js';
import { ControlClient } from '../../src/http/client.js';
import { serveControl } from '../../src/http/serve.js';
import type { ControlServer, NodeView } from '../../src/ports/control.js';
import { actor, FakeControl, node, provider } from '../contract/http/fake-control.js';
import { looks, nameless, openBrowser, openPage, type Look } from '../support/browser.js';
import { startDemo, type Demo } from '../support/demo.js';
import { until } from '../support/until.js';

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** The name of a gauge beside its numbers, with nothing between them. */
const gaugesThatTouch = `[...document.querySelectorAll('.gauge-text')].filter(each => {
  const [name, numbers] = [each.firstElementChild, each.lastElementChild].map(part => part.getBoundingClientRect());
  return numbers.top < name.bottom && numbers.left - name.right < 4;
}).map(each => each.textContent)`;

const go = (page: Page, hash: string) => page.evaluate(`location.hash = ${JSON.stringify(hash)}`);

describe('the page of the demo', () => {
  let demo: Demo;
  let daemon: ControlClient;

  beforeAll(async () => {
    demo = await startDemo();
    daemon = new ControlClient(demo.socket);
    await until(async () => (await daemon.readiness()).ready, { withinMs: 60_000 });
    await until(async () => (await daemon.nodes()).some(({ state }) => state === 'used'), { withinMs: 60_000 });
  });
  afterAll(async () => {
    await daemon.close();
    await demo.stop();
  });

  const views: readonly (readonly [string, RegExp])[] = [
    ['pool', /^\d+ nodes?$/],
    ['providers', /^Providers$/],
    ['tree', /^\d+ actors$/],
    ['history', /^The last hours$/],
    ['events', /^Events$/],
    ['node/1', /^Node 1/],
  ];

  it.each(Object.keys(looks) as Look[])(
    'shows every view in the look %s, and names all that can be used',
    async look => {
      const { page, complaints, picture, close } = await openPage(browser, demo.page, look);
      for (const [view, heading] of views) {
        await go(page, `#/${view}`);
        await page.getByRole('heading', { level: 2, name: heading }).first().waitFor();
        expect(await nameless(page), view).toEqual([]);
        const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(width, `${view} is wider than the window`).toBeLessThanOrEqual(0);
        expect(await page.evaluate(gaugesThatTouch), view).toEqual([]);
        await picture(view.replace('/', '-'));
      }
      expect(complaints).toEqual([]);
      await close();
    },
  );

  it('tells of a node which calls were made for it, and how long they took', async () => {
    const { page, picture, close } = await openPage(browser, demo.page);
    const { id } = await until(async () => (await daemon.nodes()).find(({ state }) => state === 'ready'));
    await go(page, `#/node/${id}`);
    for (const call of ['cloud.createServer', 'ssh.login', 'jenkins.createNode']) {
      const line = page.locator('.story ul li').filter({ hasText: call });
      await line
        .locator('.number')
        .getByText(/^[\d.]+ m?s$/)
        .waitFor();
    }
    await picture('calls');
    await close();
  });

  it('follows what happens without being asked', async () => {
    const { page, close } = await openPage(browser, demo.page);
    await go(page, '#/events');
    const first = page.locator('.feed li').first();
    const before = await first.textContent();
    await until(async () => (await first.textContent()) !== before, { withinMs: 60_000 });
    await close();
  });

  it('holds and releases a node once that is confirmed', async () => {
    const { page, complaints, close } = await openPage(browser, demo.page);
    const { id } = await until(async () => (await daemon.nodes()).find(({ state }) => state === 'ready'));
    const stateOf = async () => (await daemon.node(id))?.node?.state;
    await go(page, `#/node/${id}`);
    await page.getByRole('button', { name: 'Hold …' }).click();
    await page.getByLabel(/^Why/).fill('looking at it');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await stateOf()).not.toBe('hold');
    await page.getByRole('button', { name: 'Hold …' }).click();
    await page.getByLabel(/^Why/).fill('looking at it');
    await page.getByRole('button', { name: `Hold node ${id}` }).click();
    await page.getByRole('status').getByText(`Node ${id} is held.`).waitFor();
    expect((await daemon.node(id))?.node).toMatchObject({ state: 'hold', reason: 'looking at it' });
    await page.locator('.badge').getByText('hold').waitFor();
    await page.getByRole('button', { name: 'Release …' }).click();
    await page.getByRole('button', { name: `Release node ${id}` }).click();
    await until(async () => (await stateOf()) !== 'hold');
    expect(complaints).toEqual([]);
    await close();
  });

  it('tunes a provider, and says what it has now', async () => {
    const { page, complaints, close } = await openPage(browser, demo.page);
    await go(page, '#/providers');
    await page.getByRole('button', { name: 'Tune …' }).first().click();
    await page.getByText(/Now: max-servers 10, rate 0\.001, calls \d+, launches \d+, deletes \d+\./).waitFor();
    await page.getByRole('combobox').selectOption('launches');
    await page.getByLabel('Value').fill('7');
    await page.getByRole('button', { name: 'Tune cloud-east' }).click();
    await page.getByRole('status').getByText('cloud-east is tuned.').waitFor();
    expect((await daemon.providers()).find(({ name }) => name === 'cloud-east')?.launches?.limit).toBe(7);
    await page.getByText('ready, trouble: config').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('changes nothing without the token, and says why when it is wrong', async () => {
    const { page, close } = await openPage(browser, demo.page.replace(/#.*/, ''));
    const { id } = await until(async () => (await daemon.nodes()).find(({ state }) => state === 'ready'));
    await go(page, `#/node/${id}`);
    await page.getByRole('heading', { level: 2, name: `Node ${id}` }).waitFor();
    expect(await page.getByRole('button', { name: 'Hold …' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Allow changes …' }).click();
    await page.getByLabel('Write token').fill('guessed');
    await page.getByRole('dialog').getByRole('button', { name: 'Allow changes' }).click();
    await page.getByRole('button', { name: 'Delete …' }).click();
    await page.getByRole('button', { name: `Delete node ${id}` }).click();
    await page.getByRole('alert').getByText('this is not the write token').waitFor();
    await close();
  });

  it('is used by keys alone', async () => {
    const { page, close } = await openPage(browser, demo.page);
    await page.keyboard.press('3');
    await page.getByRole('treegrid').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('jenkins01');
    await until(async () => (await page.locator('.tree-row').count()) <= 6);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.locator('.tree-window').focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('.actor h3').getByText('/store').waitFor();
    await page.keyboard.press('1');
    await page.locator('.cell').first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 2, name: /^Node \d+/ }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.groups').waitFor();
    await close();
  });
});

describe('the page of a pool of ten thousand nodes', () => {
  const size = 10_000;
  const api = new FakeControl();
  let dir: string;
  let server: ControlServer;

  beforeAll(async () => {
    const clouds = Array.from({ length: 12 }, (_, n) => `cloud-${n + 1}`);
    api.nodeViews = Array.from({ length: size }, (_, n): NodeView => {
      const state = nodeStates[n % nodeStates.length] ?? 'ready';
      return node(n + 1, { provider: clouds[n % clouds.length] ?? '', state });
    });
    api.providerViews = clouds.map(name => provider(name, { servers: 834, limit: 900, maxServers: 1_000 }));
    const nodesOf = (name: string) =>
      api.nodeViews
        .filter(each => each.provider === name)
        .map(({ id, state }) => actor(`/providers/${name}/nodes/${id}`, { state }));
    const suns = clouds.map(name =>
      actor(`/providers/${name}`, { children: [actor(`/providers/${name}/nodes`, { children: nodesOf(name) })] }),
    );
    api.root = actor('/', { children: [actor('/pool'), actor('/providers', { children: suns })] });
    dir = await mkdtemp(join(tmpdir(), 'nodepool-page-'));
    const serve = serveControl({
      socket: join(dir, 'control.sock'),
      http: { host: '127.0.0.1', port: 0 },
      writeToken: null,
      readToken: null,
      version: '1.2.3',
      log: () => undefined,
    });
    server = await serve(api);
  });
  afterAll(async () => {
    await server.close();
    await rm(dir, { recursive: true });
  });

  it('shows each of them, takes events in, and finds one among them', async () => {
    const { page, complaints, picture, close } = await openPage(browser, server.url ?? '');
    await until(async () => (await page.locator('.cell').count()) === size, { withinMs: 60_000 });
    await picture('ten-thousand');
    api.emit({ at: Date.now() + 60_000, type: 'node.hold', message: 'node 1 is hold', node: 1 });
    await page.locator('.cell[data-id="1"].s-hold').waitFor();
    await page.locator('.search input').fill('hold precise-rax-ord-1.slave');
    await until(async () => (await page.locator('.cell').count()) === 1);
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows the tree of all actors in some dozens of rows, to its very end', async () => {
    const { page, complaints, picture, close } = await openPage(browser, server.url ?? '');
    await go(page, '#/tree');
    const nodes = page.locator('.tree-row').getByText('nodes', { exact: false });
    await nodes.first().waitFor();
    const rows = () => page.locator('.tree-row').count();
    await page.locator('.search input').fill('nodes');
    await page.getByText(/^10 0\d\d rows open$|^10\u2009\d+ rows open$/).waitFor();
    expect(await rows()).toBeLessThan(100);
    await page.locator('.tree-window').focus();
    await page.keyboard.press('End');
    await page
      .locator('.actor h3')
      .getByText(`/providers/cloud-12/nodes/${size - (size % 12)}`)
      .waitFor();
    expect(await rows()).toBeLessThan(100);
    await picture('ten-thousand-tree');
    expect(complaints).toEqual([]);
    await close();
  });
});
