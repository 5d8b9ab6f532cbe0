/** The paper's baseline on 32 x 32 images: the classifier from scratch, with the budget and the settings of finetuning. */
import finetune from './cifar10-finetune';

export default finetune;
