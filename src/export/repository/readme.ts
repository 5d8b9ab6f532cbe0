/** README.md of an exported model repository. */
import { KSERVE_MANIFEST } from './kserve';
import { OVMS_CONFIG } from './ovms';
import { ANSWER, REQUEST, SMOKE_SCRIPT } from './smoke';
import { CONFIG, LABELS } from './triton';

/** The folders Triton takes for models are all that may be here, so everything else is a file. */
export const repositoryReadme = (): string => `# Model repository

Written by \`selfie export --to model-repository\`, which adds a version to a model, or another model, when it is run again.

| folder             | takes                                                                 | gives                            |
| ------------------ | --------------------------------------------------------------------- | -------------------------------- |
| \`NAME\`            | \`image\` float32 [batch, C, H, W], normalized                         | embedding, or logits and classes |
| \`NAME_preprocess\` | \`image\` uint8 [batch, height, width, C], 0 to 255, of any size; uint16, 0 to 65535, for 16 bits | \`pixels\` for NAME               |
| \`NAME_photo\`      | as NAME_preprocess: both models after one another                     | as NAME                          |

\`${CONFIG}\` and \`${LABELS}\` (classes) are Triton's, \`${OVMS_CONFIG}\` is OpenVINO Model Server's, \`${KSERVE_MANIFEST}\` KServe's. Keep other folders out of here: Triton takes each for a model and does not start on one that is none.

Triton (on GPUs: \`--gpus all\`):

\`\`\`sh
docker run --rm -p 8000:8000 -p 8001:8001 -p 8002:8002 -v "$PWD:/models:ro" \\
  nvcr.io/nvidia/tritonserver:24.10-py3 tritonserver --model-repository=/models
\`\`\`

OpenVINO Model Server:

\`\`\`sh
docker run --rm -p 8000:8000 -p 9000:9000 -v "$PWD:/models:ro" \\
  openvino/model_server:latest --config_path /models/${OVMS_CONFIG} --port 9000 --rest_port 8000
\`\`\`

KServe: copy this folder to where the cluster can read it, fill in \`storageUri\`, and

\`\`\`sh
kubectl apply -f ${KSERVE_MANIFEST}
\`\`\`

Without a container: \`npx selfie serve . --port 8000 --grpc-port 8001\`.

\`sh ${SMOKE_SCRIPT} http://localhost:8000\` then asks any of them, by the Open Inference Protocol, for the model of every \`${REQUEST}\` and compares the answer with \`${ANSWER}\`.
`;
