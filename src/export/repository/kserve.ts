/** The manifest that puts a model repository behind KServe's Triton runtime. */
import { UserError } from '../../base/errors';

export const KSERVE_MANIFEST = 'kserve.yaml';

/** KServe refuses it, so that nobody applies the manifest as it comes. */
const TO_FILL = 'FILL IN where the cluster finds this folder: s3://, gs://, pvc://CLAIM/FOLDER';

/** Names of Kubernetes: lower case letters, digits and hyphens, a letter first. */
export function kubernetesName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '');
  const name63 = `${/^[a-z]/.test(plain) ? '' : 'm-'}${plain}`.slice(0, 63);
  return name63.replace(/-+$/, '');
}

/** UserError for an address that KServe takes none from. */
export function checkStorageUri(uri: string): void {
  if (!/^[a-z][a-z0-9+.-]*:\/\/\S+$/.test(uri))
    throw new UserError(
      `--storage-uri ${uri}: expected an address such as s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or pvc://CLAIM/FOLDER`,
    );
}

/** @param name of the service, made fit for Kubernetes */
export const kserveManifest = (name: string, storageUri: string | undefined): string =>
  `# All models of this repository in Triton, by KServe: kubectl apply -f ${KSERVE_MANIFEST}
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: ${kubernetesName(name)}
spec:
  predictor:
    model:
      modelFormat:
        name: triton
        version: "2"
      protocolVersion: v2
      runtime: kserve-tritonserver
      storageUri: ${JSON.stringify(storageUri ?? TO_FILL)}
      resources:
        requests:
          cpu: "1"
          memory: 2Gi
`;
