/**
 * npm's `preinstall`, which it runs before the `postinstall` of any package. That of onnxruntime-node downloads the CUDA
 * provider on Linux x64, from a feed that many networks block, and fails where it cannot; where the provider's files are, it does
 * nothing. So empty ones are put there, unless somebody asked for the real ones. `ONNXRUNTIME_NODE_INSTALL=true npm rebuild
 * onnxruntime-node` writes over them (with `cuda12` it does not: version 1.30 takes that as no wish at all).
 */
'use strict';
const { existsSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const wishes = ['ONNXRUNTIME_NODE_INSTALL', 'ONNXRUNTIME_NODE_INSTALL_CUDA'];
const isAsked = wishes.some((name) => process.env[name] || process.env[`npm_config_${name.toLowerCase()}`]);

function missingFiles() {
  const metadata = 'onnxruntime-node/script/install-metadata.js';
  const { requirements, manifests } = require(metadata);
  const platform = `${process.platform}/${process.arch}`;
  const folder = path.join(require.resolve(metadata), '..', '..', 'bin', 'napi-v6', platform);
  return requirements[platform]
    .flatMap((name) => Object.keys(manifests[`${platform}:${name}`]))
    .map((file) => path.join(folder, file))
    .filter((file) => !existsSync(file));
}

try {
  if (!isAsked) for (const file of missingFiles()) writeFileSync(file, '');
} catch {
  // not as it was: then its own script decides
}
