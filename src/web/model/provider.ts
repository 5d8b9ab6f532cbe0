/** What computes a model in a page. */

/** Apart from the runtime, whose types whoever installs the package has not. */
export type Provider = 'webgpu' | 'wasm';
