/** Modules: layers, ResNet, Transformer, and the state they hold. */
export * from './attentionPooling';
export * from './context';
export * from './dropout';
export * from './images';
export * from './layers';
export * from './position';
export * from './resnet';
export * from './state';
export * from './transformer';
