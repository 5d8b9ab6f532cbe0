/** Every operator of the builder. */
export * from './activation';
export * from './control';
export * from './conv';
export * from './elementwise';
export * from './gather';
export * from './matmul';
export * from './norm';
export * from './pool';
export * from './reduce';
export * from './shape';
export * from './softmax';
