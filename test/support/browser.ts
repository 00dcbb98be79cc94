/** The live page in a real Chromium, Debian's; and pictures of it, which are kept outside the checkout. */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from 'playwright-core';
import { ensureDebianPackages } from './packages.js';

export const looks = {
  light: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true },
} as const;
export type Look = keyof typeof looks;

/** A busy machine takes long to draw ten thousand nodes. */
const patienceMs = 60_000;

export interface LivePage {
  readonly page: Page;
  /** What the browser complained of: errors of scripts, and what the page's policy did not let in. */
  readonly complaints: readonly string[];
  readonly picture: (name: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openBrowser(): Promise<Browser> {
  await ensureDebianPackages(['chromium']);
  // Without a sandbox, which root cannot have; it sees nothing but our own page.
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}

export async function openPage(browser: Browser, url: string, look: Look = 'light'): Promise<LivePage> {
  const context: BrowserContext = await browser.newContext(looks[look]);
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(String(error)));
  await page.goto(url);
  await page.locator('.stock-part').first().waitFor();
  return {
    page,
    complaints,
    async picture(name) {
      const dir = process.env['NODEPOOLD_PICTURES'] ?? join(tmpdir(), 'nodepool-pictures');
      await mkdir(dir, { recursive: true });
      await page.screenshot({ path: join(dir, `${look}-${name}.png`) });
    },
    close: () => context.close(),
  };
}

/** What a screen reader would read out without saying what it is: links, buttons and fields without a name. */
export async function nameless(page: Page): Promise<string[]> {
  const session: CDPSession = await page.context().newCDPSession(page);
  try {
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    const roles = new Set(['link', 'button', 'textbox', 'searchbox', 'radio', 'combobox', 'meter', 'image', 'dialog']);
    return nodes.flatMap(({ ignored, role, name }) => {
      const kind = String(role?.value);
      return !ignored && roles.has(kind) && !name?.value ? [kind] : [];
    });
  } finally {
    await session.detach();
  }
}
