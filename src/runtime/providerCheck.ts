/** Child process of providers.ts: starts a session of one node on the provider named by the argument and runs it. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel } from '../onnx/encode';
import { plainModel } from '../onnx/model';

async function main(provider: string): Promise<void> {
  const x = { name: 'x', dtype: 'float32', shape: [1] } as const;
  const session = await InferenceSession.create(
    encodeModel(
      plainModel({
        name: 'check',
        inputs: [x],
        outputs: [{ ...x, name: 'y' }],
        initializers: [],
        nodes: [
          { name: 'add', opType: 'Add', domain: '', inputs: ['x', 'x'], outputs: ['y'], attributes: [] },
        ],
      }),
    ),
    { executionProviders: [provider], logSeverityLevel: 4 },
  );
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(2), [1]) });
  if ((y.data as Float32Array)[0] !== 4) throw new Error('2 + 2 is not 4 there');
}

main(process.argv[2]).catch((error: unknown) => {
  // Only the last clause says what is missing; the rest is a C++ signature and a source path.
  const message = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  console.log(message.replace(/^\/.* was false\. /, ''));
  process.exitCode = 1;
});
