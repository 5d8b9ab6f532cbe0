/** The paper's baseline on ImageNet 224 x 224: the classifier from scratch, with the budget and the settings of finetuning. */
import finetune from './imagenet224-finetune';

export default finetune;
