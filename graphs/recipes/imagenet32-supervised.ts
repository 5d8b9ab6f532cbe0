/** The paper's baseline on ImageNet 32 x 32: the classifier from scratch, with the budget and the settings of finetuning. */
import finetune from './imagenet32-finetune';

export default finetune;
