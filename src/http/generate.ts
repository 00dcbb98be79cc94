import { writeFileSync } from 'node:fs';
import { openApiText } from './openapi.js';

/** `npm run gen` writes the document of the API; a test compares. */
writeFileSync(new URL('../../docs/openapi.json', import.meta.url), await openApiText());
