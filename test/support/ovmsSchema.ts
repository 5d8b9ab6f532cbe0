/** The parts of OpenVINO Model Server's schema of config.json that exports use; it takes no other keys. */
import { z } from 'zod';

const source = z.strictObject({ node_name: z.string(), data_item: z.string() });
export const sources = z.array(
  z.record(z.string(), source).refine((each) => Object.keys(each).length === 1, 'one source each'),
);
export const ovmsSchema = z.strictObject({
  model_config_list: z.array(
    z.strictObject({ config: z.strictObject({ name: z.string(), base_path: z.string() }) }),
  ),
  pipeline_config_list: z.array(
    z.strictObject({
      name: z.string(),
      inputs: z.array(z.string()),
      nodes: z.array(
        z.strictObject({
          name: z.string(),
          model_name: z.string(),
          type: z.literal('DL model'),
          inputs: sources,
          outputs: z.array(z.strictObject({ data_item: z.string(), alias: z.string() })),
        }),
      ),
      outputs: sources,
    }),
  ),
});
