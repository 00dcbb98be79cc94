/** Light or dark: as the system says, until somebody chooses. */
import { computed, effect, signal } from '@preact/signals';

const key = 'nodepool.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const isSystemDark = signal(system.matches);
system.addEventListener('change', () => (isSystemDark.value = system.matches));

const chosen = signal<string | null>(stored());

export const theme = computed(() => chosen.value ?? (isSystemDark.value ? 'dark' : 'light'));

effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
});

export function otherTheme(): void {
  chosen.value = theme.value === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(key, chosen.value);
  } catch {
    // Without a memory it is chosen again next time.
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
