/**
 * Jest runs tests in their own JavaScript realm, whose typed arrays fail `instanceof` in onnxruntime's native binding.
 * This environment hands the outer realm's constructors to the tests, and its `require` to esModules.ts.
 */
import { TestEnvironment } from 'jest-environment-node';

const SHARED = {
  ArrayBuffer,
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};

export default class OuterRealmArrays extends TestEnvironment {
  override async setup(): Promise<void> {
    await super.setup();
    Object.assign(this.global, SHARED, { requireOutside: require });
  }
}
