/** A consumer's ES module: builds, trains and reads a bundle by the public API. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as selfie from 'selfie-onnx';
import { readBundle } from 'selfie-onnx/bundle';
import { load } from 'selfie-onnx/web';

const { buildBundle, loadRecipe, recipeSchema, train } = selfie;
const { recipe } = loadRecipe('embedded-pretrain');
const network = { ...recipe.network, width: 4, stages: [1, 1] };
buildBundle('small', recipeSchema.parse({ ...recipe, network, batch: 8 }), 'by-module');
const { step } = await train({ directory: 'by-module', data: 'embedded', steps: 2 });
assert.equal(step, 2);
assert.equal(readBundle('by-module').manifest.recipe.network.width, 4);

// by name, all that CommonJS sees
const required = Object.keys(createRequire(import.meta.url)('selfie-onnx'));
assert.deepEqual(
  required.filter((name) => !(name in selfie)),
  [],
);
assert.equal(typeof load, 'function');
await assert.rejects(import('selfie-onnx/dist/src/cli.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
