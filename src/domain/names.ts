const mostSaid = 10;

/** What there is instead of what was looked for: `a, b`, at most ten of them, `none`. */
export function namesSaid(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const rest = names.length > mostSaid ? `, and ${names.length - mostSaid} more` : '';
  return `${names.slice(0, mostSaid).join(', ')}${rest}`;
}
