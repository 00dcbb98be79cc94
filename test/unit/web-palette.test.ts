import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Rgb = readonly [number, number, number];

const css = readFileSync(new URL('../../web/src/palette.css', import.meta.url), 'utf8');

/** `--ink: light-dark(#14202b, #e4ebf0)`, or one colour for both. */
function palette(theme: 'light' | 'dark'): ReadonlyMap<string, Rgb> {
  const pairs = /--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g;
  const single = /--([a-z-]+): (#[0-9a-f]{6});/g;
  const found = [...css.matchAll(pairs)].map(([, name = '', light = '', dark = '']) => {
    return [name, rgb(theme === 'light' ? light : dark)] as const;
  });
  return new Map([
    ...found,
    ...[...css.matchAll(single)].map(([, name = '', both = '']) => [name, rgb(both)] as const),
  ]);
}

function partShare(theme: 'light' | 'dark'): number {
  const [, percent] = new RegExp(`data-theme='${theme}'\\] \\{\\s*--part-share: (\\d+)%`).exec(css) ?? [];
  return Number(percent) / 100;
}

const rgb = (hex: string): Rgb => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;

const mix = (share: number, a: Rgb, b: Rgb): Rgb =>
  a.map((value, index) => share * value + (1 - share) * (b[index] ?? 0)) as unknown as Rgb;

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(colour: Rgb): number {
  const [red = 0, green = 0, blue = 0] = colour.map(value => {
    const channel = value / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: Rgb, b: Rgb): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const states = ['building', 'test', 'ready', 'used', 'hold', 'delete'];
const grounds = ['ground', 'surface', 'raised'];

describe.each(['light', 'dark'] as const)('in the %s theme', theme => {
  const colours = palette(theme);
  const of = (name: string): Rgb => {
    const colour = colours.get(name);
    if (colour === undefined) throw new Error(`the palette has no --${name}`);
    return colour;
  };

  test('black and white differ as the standard says', () => {
    expect(contrast(rgb('#000000'), rgb('#ffffff'))).toBeCloseTo(21);
  });

  test.each(['ink', 'muted', 'accent', 'trouble', 'well', ...states])(
    'text in %s is legible wherever it stands',
    name => {
      for (const ground of grounds) expect(contrast(of(name), of(ground)), `on ${ground}`).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each(['edge', ...states])('a mark in %s is seen wherever it stands', name => {
    for (const ground of grounds) expect(contrast(of(name), of(ground)), `on ${ground}`).toBeGreaterThanOrEqual(3);
  });

  test.each(['accent', 'trouble', 'ink'])('what is written on %s is legible', name => {
    const text = name === 'ink' ? 'ground' : 'on-strong';
    expect(contrast(of(text), of(name))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(states)('what is written on the part of the stock that is %s is legible', name => {
    const part = mix(partShare(theme), of(name), of('surface'));
    expect(contrast(of('on-part'), part)).toBeGreaterThanOrEqual(4.5);
  });
});
