/** Programs of a model card: each reads `photo.jpg`, runs the model in one runtime and prints what it says. */
import { imageShape } from '../../bundle/imageShape';
import { runtimeVersion } from '../../runtime/version';
import { browserSnippet } from './browserSnippet';
import { shorterSide } from './configs';
import { type CardData, LABELS, PHOTO, WEIGHTS } from './cardData';
import { printedOutput, pythonPrint, scriptLines } from './printing';

export interface Snippet {
  readonly title: string;
  /** how to get what it imports, as Markdown */
  readonly install: string;
  readonly file: string;
  readonly language: 'python' | 'js' | 'html';
  readonly code: string;
}

/** Programs for the images that the network sees: photographs, or where it sees other bands or 16 bits, an array of NumPy. */
export const snippets = (card: CardData): Snippet[] =>
  isPhoto(card) ? photoSnippets(card) : [arraySnippet(card)];

/** Whether a photograph is what the network sees. */
export function isPhoto({ manifest }: CardData): boolean {
  const { channels, bits } = imageShape(manifest.recipe.image);
  return bits === 8 && (channels === 1 || channels === 3);
}

function arraySnippet(card: CardData): Snippet {
  const output = printedOutput(card);
  return {
    title: 'ONNX Runtime in Python',
    install: '`pip install onnxruntime`',
    file: 'run.py',
    language: 'python',
    code: `import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession('${PHOTO}')
image = np.load('image.npy')[None]
${output} = session.run(['${output}'], {'image': image})[0][0]
${pythonPrint(card, output)}`,
  };
}

const photoSnippets = (card: CardData): Snippet[] => [
  {
    title: 'ONNX Runtime in Python',
    install: '`pip install onnxruntime pillow`',
    file: 'run.py',
    language: 'python',
    code: pythonRuntime(card),
  },
  {
    title: 'ONNX Runtime in Node.js',
    install: '`npm install onnxruntime-node sharp`',
    file: 'run.mjs',
    language: 'js',
    code: node(card),
  },
  {
    title: 'ONNX Runtime Web, in a browser',
    install: 'served by any web server, such as `python3 -m http.server`',
    file: 'run.html',
    language: 'html',
    code: browserSnippet(card, runtimeVersion()),
  },
  card.torchvision && isSquare(card)
    ? {
        title: 'PyTorch and torchvision',
        install: '`pip install torchvision safetensors`',
        file: 'run_torch.py',
        language: 'python',
        code: torchvision(card),
      }
    : {
        title: 'OpenVINO',
        install: '`pip install openvino pillow`',
        file: 'run_openvino.py',
        language: 'python',
        code: openvino(card),
      },
];

/** torchvision's transforms cut what is not square by other rules. */
function isSquare({ manifest }: CardData): boolean {
  const { width, height } = imageShape(manifest.recipe.image);
  return width === height;
}

const isGray = ({ manifest }: CardData) => manifest.recipe.image.channels === 1;

/** `image`, uint8 [1, height, width, C]. */
function pythonImage(card: CardData): string {
  const [mode, axes] = isGray(card) ? ['L', '[None, :, :, None]'] : ['RGB', '[None]'];
  return `photo = ImageOps.exif_transpose(Image.open('photo.jpg')).convert('${mode}')
image = np.array(photo)${axes}`;
}

function pythonRuntime(card: CardData): string {
  const output = printedOutput(card);
  return `import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession('${PHOTO}')
${pythonImage(card)}
${output} = session.run(['${output}'], {'image': image})[0][0]
${pythonPrint(card, output)}`;
}

function openvino(card: CardData): string {
  const output = printedOutput(card);
  return `import numpy as np
import openvino
from PIL import Image, ImageOps

model = openvino.Core().compile_model('${PHOTO}', 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
${pythonImage(card)}
${output} = model({'image': image})['${output}'][0]
${pythonPrint(card, output)}`;
}

function torchvision(card: CardData): string {
  const { labels } = card;
  const { image, network } = card.manifest.recipe;
  const output = printedOutput(card);
  const list = (values: readonly number[]) => `[${values.join(', ')}]`;
  return `import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.transforms import CenterCrop, Compose, Normalize, Resize, ToTensor

model = ResNet(Bottleneck, ${list(network.stages)}, num_classes=${network.classes}).eval()
model.load_state_dict(load_file('${WEIGHTS}'))${labels ? '' : '\nmodel.fc = torch.nn.Identity()'}
prepare = Compose([Resize(${shorterSide(imageShape(image).width)}), CenterCrop(${imageShape(image).width}), ToTensor(), Normalize(${list(image.mean)}, ${list(image.std)})])
image = prepare(ImageOps.exif_transpose(Image.open('photo.jpg')).convert('RGB'))[None]
with torch.inference_mode():
    ${output} = model(image)[0]${labels ? '.softmax(0)' : ''}.numpy()
${pythonPrint(card, output)}`;
}

function node(card: CardData): string {
  const output = printedOutput(card);
  const channels = isGray(card) ? 1 : 3;
  const read = card.labels ? "import { readFileSync } from 'node:fs';\n" : '';
  const labels = card.labels
    ? `const labels = readFileSync('${LABELS}', 'utf8').trimEnd().split('\\n');\n`
    : '';
  return `${read}import ort from 'onnxruntime-node';
import sharp from 'sharp';

const session = await ort.InferenceSession.create('${PHOTO}');
const photo = sharp('photo.jpg').autoOrient().removeAlpha().toColourspace('${isGray(card) ? 'b-w' : 'srgb'}').raw();
const { data, info } = await photo.toBuffer({ resolveWithObject: true });
const image = new ort.Tensor('uint8', data, [1, info.height, info.width, ${channels}]);
const { ${output} } = await session.run({ image });
${labels}${scriptLines(card, output)}
console.log(lines.join('\\n'));`;
}
