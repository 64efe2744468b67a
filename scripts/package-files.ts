/** Writes into dist/ what the package has beside the program: types, the manual page, and shell completion. */
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writePublishedTypes } from './published-types.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
writePublishedTypes(root);
