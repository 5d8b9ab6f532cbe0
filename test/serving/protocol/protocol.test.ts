/** open_inference.proto against the protocol as KServe and Triton publish it: every name, number and type. */
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor';
import { PROTO } from '../../../src/serving/protocol/grpcMessages';
import { fixture } from '../../support/paths';

/** What the ext/descriptor module adds. */
type Descriptors = typeof protobuf.Root & { fromDescriptor(set: Uint8Array): protobuf.Root };

const ours = protobuf.parse(readFileSync(PROTO, 'utf8'), { keepCase: true }).root;
const published = (vendor: string) => {
  const bytes = readFileSync(fixture('open_inference', `${vendor}.binpb`));
  return (protobuf.Root as Descriptors).fromDescriptor(bytes);
};

/** A line for every field, value of an enumeration and call, by its full name. */
function describe(root: protobuf.Root): Map<string, string> {
  const lines = new Map<string, string>();
  const say = (name: string, line: string) => lines.set(name.replace(/^\./, ''), line);
  const walk = (object: protobuf.ReflectionObject) => {
    if (object instanceof protobuf.Type)
      for (const field of object.fieldsArray) {
        field.resolve();
        const type = field.resolvedType?.fullName ?? field.type;
        const key = field instanceof protobuf.MapField ? `map of ${field.keyType} to ` : '';
        const list = field.repeated ? 'repeated ' : '';
        say(field.fullName, `${field.id}: ${key}${list}${type} ${field.partOf?.name ?? ''}`);
      }
    if (object instanceof protobuf.Enum)
      for (const [name, value] of Object.entries(object.values))
        say(`${object.fullName}.${name}`, String(value));
    if (object instanceof protobuf.Service)
      for (const method of object.methodsArray) {
        method.resolve();
        const { resolvedRequestType: from, resolvedResponseType: to, requestStream, responseStream } = method;
        say(method.fullName, `${from?.fullName} ${requestStream} ${to?.fullName} ${responseStream}`);
      }
    if (object instanceof protobuf.Namespace) object.nestedArray.forEach(walk);
  };
  root.resolveAll();
  walk(root);
  return lines;
}

const SERVICE = 'inference.GRPCInferenceService.';

test("every line of ours is Triton's", () => {
  const theirs = describe(published('triton'));
  const lines = describe(ours);
  expect(lines.size).toBeGreaterThan(100);
  for (const [name, line] of lines) expect([name, theirs.get(name)]).toEqual([name, line]);
});

test("all of KServe's protocol is in ours but for loading and unloading", () => {
  const lines = describe(ours);
  const theirs = [...describe(published('kserve'))].filter(([name]) => !name.includes('RepositoryModel'));
  expect(theirs.length).toBeGreaterThan(50);
  for (const [name, line] of theirs) expect([name, lines.get(name)]).toEqual([name, line]);
});

test('of the messages of calls that are served no field is left out', () => {
  const theirs = describe(published('triton'));
  const served = [...describe(ours).keys()].filter((name) => name.startsWith(SERVICE));
  expect(served).toHaveLength(10);
  for (const name of served) {
    const [from, , to] = (theirs.get(name) ?? '').split(' ');
    for (const type of [from, to])
      for (const [field, line] of theirs) {
        if (!field.startsWith(`${type.slice(1)}.`) || field.includes('ModelConfig.')) continue;
        expect([field, describe(ours).get(field)]).toEqual([field, line]);
      }
  }
});
