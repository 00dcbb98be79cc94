import tseslint from 'typescript-eslint';

/** Folders of src and what each may import of ours (DESIGN 2): imports go one way. */
const layers = {
  runtime: [],
  domain: [],
  ports: ['domain'],
  config: ['domain', 'ports'],
  db: ['domain', 'ports'],
  adapters: ['domain', 'ports'],
  actors: ['runtime', 'domain', 'ports'],
  http: ['domain', 'ports', 'config'],
  cli: ['domain', 'ports', 'config', 'http', 'sim', 'main.js'],
};
const folders = [...Object.keys(layers), 'sim'];

const layerRules = Object.entries(layers).map(([folder, allowed]) => ({
  files: [`src/${folder}/**/*.{ts,tsx}`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${folders.filter(f => f !== folder && !allowed.includes(f)).join('|')})/`,
            message: `src/${folder} may import of ours only: ${allowed.join(', ') || 'nothing'}`,
          },
        ],
      },
    ],
  },
}));

/** Time and chance come from the runtime, so that a seed reproduces a run. */
const noClock = ['Date', 'setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval'];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**'] },
  ...tseslint.configs.recommendedTypeChecked.map(c => ({ ...c, files: ['**/*.{ts,tsx}'] })),
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'no default exports' },
        { selector: 'TSEnumDeclaration', message: 'a union of string literals instead' },
      ],
    },
  },
  ...layerRules,
  {
    files: ['test/**/*.ts'],
    ignores: ['test/support/fc.ts'],
    rules: {
      'no-restricted-imports': ['error', { paths: [{ name: 'fast-check', message: 'test/support/fc has its seed' }] }],
    },
  },
  {
    files: [
      'src/domain/**/*.ts',
      'src/ports/**/*.ts',
      'src/actors/**/*.ts',
      'src/config/**/*.ts',
      'src/runtime/**/*.ts',
    ],
    ignores: ['src/runtime/{clock,random,scheduler,manual-clock}.ts'],
    rules: {
      'no-restricted-globals': ['error', ...noClock.map(name => ({ name, message: 'time comes from the runtime' }))],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'chance comes from the runtime' },
        { object: 'crypto', property: 'randomUUID', message: 'chance comes from the runtime' },
        { object: 'performance', property: 'now', message: 'time comes from the runtime' },
      ],
    },
  },
  {
    // What is pure the page shares with the daemon; everything else it asks for.
    files: ['web/src/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(\\.\\./)+src/(?!domain/|ports/)',
              message: 'web may import of the daemon only: domain, ports',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['vitest.config.ts', 'test/openstack/vitest.config.ts', 'web/vite.config.ts', 'eslint.config.js'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
