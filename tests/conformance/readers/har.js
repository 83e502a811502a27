// What har-validator says of HTTP archives: node har.js MODULE FILE... A line each.
const fs = require('fs');
const { har } = require(process.argv[2]);

(async () => {
  for (const file of process.argv.slice(3)) {
    try {
      await har(JSON.parse(fs.readFileSync(file)));
      console.log('');
    } catch (error) {
      console.log(JSON.stringify(error.errors || String(error)));
    }
  }
})();
