/** config.json of OpenVINO Model Server, which reads the same folders of versions and no config.pbtxt. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../../base/errors';
import { IMAGE, PIXELS } from '../model/network';
import type { Ports } from './triton';

export const OVMS_CONFIG = 'config.json';

/** Of what others wrote there, everything stays but for entries of the same name. */
const fileSchema = z.looseObject({
  model_config_list: z.array(z.looseObject({ config: z.looseObject({ name: z.string() }) })),
  pipeline_config_list: z.array(z.looseObject({ name: z.string() })).optional(),
});

export type OvmsConfig = z.infer<typeof fileSchema>;

/** A model by its folder, which may be told relative to the file. */
const model = (name: string) => ({ config: { name, base_path: name } });

/** A pipeline that gives `pixels` of one model to the other, whose outputs are the answer. */
function pipeline(name: string, preprocess: Ports, network: Ports) {
  const from = (node: string, item: string) => ({ node_name: node, data_item: item });
  const output = (item: string) => ({ data_item: item, alias: item });
  const names = network.outputs.map((each) => each.name);
  const node = (of: string) => ({ name: of, model_name: of, type: 'DL model' });
  return {
    name,
    inputs: [IMAGE],
    nodes: [
      { ...node(preprocess.name), inputs: [{ [IMAGE]: from('request', IMAGE) }], outputs: [output(PIXELS)] },
      {
        ...node(network.name),
        inputs: [{ [IMAGE]: from(preprocess.name, PIXELS) }],
        outputs: names.map(output),
      },
    ],
    outputs: names.map((item) => ({ [item]: from(network.name, item) })),
  };
}

/** What is to be in the file: what `there` says already and these models. */
export function ovmsConfig(there: OvmsConfig, photo: string, preprocess: Ports, network: Ports): string {
  const { model_config_list: models, pipeline_config_list: pipelines = [], ...rest } = there;
  const own = [network.name, preprocess.name];
  const config = {
    ...rest,
    model_config_list: [...models.filter((each) => !own.includes(each.config.name)), ...own.map(model)],
    pipeline_config_list: [
      ...pipelines.filter((each) => each.name !== photo),
      pipeline(photo, preprocess, network),
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** What `file` says; no models where it does not exist. UserError where it is something else. */
export function readOvmsConfig(file: string): OvmsConfig {
  if (!existsSync(file)) return { model_config_list: [] };
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new UserError(
      `${file}: it is no configuration of OpenVINO Model Server, whose place this is; move it or choose another --out`,
    );
  }
}
