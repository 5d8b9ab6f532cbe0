/** Programs of a model card: each reads `photo.jpg`, runs the model in one runtime and prints what it says. */
import { runtimeVersion } from '../../runtime/version';
import { browserSnippet } from './browserSnippet';
import { shorterSide } from './configs';
import { type Facts, LABELS, PHOTO, WEIGHTS } from './facts';
import { printedOutput, pythonPrint, scriptLines } from './printing';

export interface Snippet {
  readonly title: string;
  /** how to get what it imports, as Markdown */
  readonly install: string;
  readonly file: string;
  readonly language: 'python' | 'js' | 'html';
  readonly code: string;
}

export const snippets = (facts: Facts): Snippet[] => [
  {
    title: 'ONNX Runtime in Python',
    install: '`pip install onnxruntime pillow`',
    file: 'run.py',
    language: 'python',
    code: pythonRuntime(facts),
  },
  {
    title: 'ONNX Runtime in Node.js',
    install: '`npm install onnxruntime-node sharp`',
    file: 'run.mjs',
    language: 'js',
    code: node(facts),
  },
  {
    title: 'ONNX Runtime Web, in a browser',
    install: 'served by any web server, such as `python3 -m http.server`',
    file: 'run.html',
    language: 'html',
    code: browserSnippet(facts, runtimeVersion()),
  },
  facts.torchvision
    ? {
        title: 'PyTorch and torchvision',
        install: '`pip install torchvision safetensors`',
        file: 'run_torch.py',
        language: 'python',
        code: torchvision(facts),
      }
    : {
        title: 'OpenVINO',
        install: '`pip install openvino pillow`',
        file: 'run_openvino.py',
        language: 'python',
        code: openvino(facts),
      },
];

const isGray = ({ manifest }: Facts) => manifest.recipe.image.channels === 1;

/** `image`, uint8 [1, height, width, C]. */
function pythonImage(facts: Facts): string {
  const [mode, axes] = isGray(facts) ? ['L', '[None, :, :, None]'] : ['RGB', '[None]'];
  return `photo = ImageOps.exif_transpose(Image.open('photo.jpg')).convert('${mode}')
image = np.array(photo)${axes}`;
}

function pythonRuntime(facts: Facts): string {
  const output = printedOutput(facts);
  return `import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession('${PHOTO}')
${pythonImage(facts)}
${output} = session.run(['${output}'], {'image': image})[0][0]
${pythonPrint(facts, output)}`;
}

function openvino(facts: Facts): string {
  const output = printedOutput(facts);
  return `import numpy as np
import openvino
from PIL import Image, ImageOps

model = openvino.Core().compile_model('${PHOTO}', 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
${pythonImage(facts)}
${output} = model({'image': image})['${output}'][0]
${pythonPrint(facts, output)}`;
}

function torchvision(facts: Facts): string {
  const { labels } = facts;
  const { image, network } = facts.manifest.recipe;
  const output = printedOutput(facts);
  const list = (values: readonly number[]) => `[${values.join(', ')}]`;
  return `import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.transforms import CenterCrop, Compose, Normalize, Resize, ToTensor

model = ResNet(Bottleneck, ${list(network.stages)}, num_classes=${network.classes}).eval()
model.load_state_dict(load_file('${WEIGHTS}'))${labels ? '' : '\nmodel.fc = torch.nn.Identity()'}
prepare = Compose([Resize(${shorterSide(image.size)}), CenterCrop(${image.size}), ToTensor(), Normalize(${list(image.mean)}, ${list(image.std)})])
image = prepare(ImageOps.exif_transpose(Image.open('photo.jpg')).convert('RGB'))[None]
with torch.inference_mode():
    ${output} = model(image)[0]${labels ? '.softmax(0)' : ''}.numpy()
${pythonPrint(facts, output)}`;
}

function node(facts: Facts): string {
  const output = printedOutput(facts);
  const channels = isGray(facts) ? 1 : 3;
  const read = facts.labels ? "import { readFileSync } from 'node:fs';\n" : '';
  const labels = facts.labels
    ? `const labels = readFileSync('${LABELS}', 'utf8').trimEnd().split('\\n');\n`
    : '';
  return `${read}import ort from 'onnxruntime-node';
import sharp from 'sharp';

const session = await ort.InferenceSession.create('${PHOTO}');
const photo = sharp('photo.jpg').autoOrient().removeAlpha().toColourspace('${isGray(facts) ? 'b-w' : 'srgb'}').raw();
const { data, info } = await photo.toBuffer({ resolveWithObject: true });
const image = new ort.Tensor('uint8', data, [1, info.height, info.width, ${channels}]);
const { ${output} } = await session.run({ image });
${labels}${scriptLines(facts, output)}
console.log(lines.join('\\n'));`;
}
