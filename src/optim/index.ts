/** Optimizers as pieces of a training graph. */
export * from './adamw';
export * from './lossScale';
export * from './optimizer';
export * from './sgd';
