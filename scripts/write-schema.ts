/* Writes parley.schema.json anew. A test says when that is due. */
import { writeFileSync } from 'node:fs';
import { settingsJsonSchema } from '../src/daemon/config/settings-schema.ts';

const path = new URL('../parley.schema.json', import.meta.url);
writeFileSync(path, `${JSON.stringify(settingsJsonSchema(), null, 2)}\n`);
