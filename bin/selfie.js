#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const path = require('node:path');

const root = path.dirname(__dirname);
const cli = path.join(root, 'dist', 'src', 'cli.js');

// `selfie print-graph ... | head` closes the pipe early; that is no error. Nor is a terminal that is closed: SIGHUP follows.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0);
  if (error.code !== 'EIO') throw error;
});
process.stderr.on('error', (error) => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
});

// Started by another process of this package: end with it, also where it was killed.
if (process.send !== undefined) {
  process.once('disconnect', () => process.exit(1));
  process.channel.unref();
}

// Where a build takes the place of dist/ at this moment, it is there in the next.
if (!existsSync(cli)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);

if (existsSync(cli)) {
  require(path.join(path.dirname(cli), 'commands', 'signals.js')).exitOnSignals();
  void require(cli)
    .main(process.argv.slice(2))
    .then((code) => {
      process.exitCode = code;
    });
} else {
  console.error(`error: selfie is not built: run "npm ci" (or "npm run build") in ${root}`);
  process.exitCode = 1;
}
