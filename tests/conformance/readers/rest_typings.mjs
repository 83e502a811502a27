// What Rocket.Chat's published validators say of bodies and queries: rest_typings.mjs BUNDLE, cases as JSON Lines on
// standard input, as [NAMES OF VALIDATORS, VALUE]; a line each on standard output.
import { createRequire } from 'module';
import { createInterface } from 'readline';

const published = createRequire(import.meta.url)(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  const [names, value] = JSON.parse(line);
  const name = names.find((one) => published[one]);
  const valid = name && published[name](value);
  console.log(JSON.stringify({ name: name ?? null, valid: Boolean(valid), errors: name && !valid ? published[name].errors : [] }));
}
