import { writeFileSync } from 'node:fs';
import { pageText, schemaText } from './reference-page.js';

/** `npm run gen` writes what is generated from `keys.ts`; a test compares. */
const root = new URL('../../', import.meta.url);
writeFileSync(new URL('config/schema.json', root), schemaText());
writeFileSync(new URL('docs/configuration.md', root), pageText());
