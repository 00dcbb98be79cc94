import type { TextSink } from './context.js';

const take = '\u001b[?1049h\u001b[?25l\u001b[H';
const giveBack = '\u001b[?25h\u001b[?1049l';

/**
 * Draws on a screen of its own, as `htop` does: what was on the terminal is there again afterwards. On the usual screen
 * lines are wrapped anew when it becomes narrower, and whoever goes up as many lines as he drew leaves some behind.
 */
export async function onOwnScreen(terminal: TextSink, draw: () => Promise<void>): Promise<void> {
  terminal.write(take);
  try {
    await draw();
  } finally {
    terminal.write(giveBack);
  }
}
