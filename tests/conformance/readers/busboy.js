// What busboy finds in each form of a folder: node busboy.js MODULE CHUNK DIR. The bytes come in chunks of that size.
const { createHash } = require('crypto');
const fs = require('fs');
const path = require('path');

const [module_, chunk, directory] = process.argv.slice(2);
const busboy = require(module_);
// Version 1 is a function, version 0.2 a class, and their file events differ.
const make = (headers) => {
  const options = { headers, limits: { fieldNameSize: 1e6, fieldSize: 1e9, fileSize: 1e9 } };
  return busboy.length === 1 && !busboy.super_ ? busboy(options) : new busboy(options);
};

const read = (label) => new Promise((resolve) => {
  const about = JSON.parse(fs.readFileSync(path.join(directory, `${label}.json`)));
  const parts = [];
  const end = (error) => resolve({ form: label, parts, error: error && error.message });
  const parser = make({ 'content-type': about.content_type });
  parser.on('field', (name, value) => {
    const bytes = Buffer.from(value);
    parts.push({ name, filename: null, type: null, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  });
  parser.on('file', (name, stream, info, encoding, mimeType) => {
    const hash = createHash('sha256');
    const part = { name, filename: info.filename ?? info, type: info.mimeType ?? mimeType, length: 0 };
    if (typeof info === 'object') part.filename = info.filename ?? null;
    parts.push(part);
    stream.on('data', (data) => { hash.update(data); part.length += data.length; });
    stream.on('end', () => { part.sha256 = hash.digest('hex'); });
  });
  parser.on('error', end);
  parser.on('close', () => end());
  parser.on('finish', () => setImmediate(end));
  fs.createReadStream(path.join(directory, `${label}.body`), { highWaterMark: Number(chunk) }).pipe(parser);
});

(async () => {
  const labels = fs.readdirSync(directory).filter((name) => name.endsWith('.body')).map((name) => name.slice(0, -5)).sort();
  for (const label of labels) {
    if (Number(chunk) === 1 && fs.statSync(path.join(directory, `${label}.body`)).size > 3000) continue;
    console.log(JSON.stringify(await read(label)));
  }
})();
