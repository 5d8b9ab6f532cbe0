"""Asks a running `selfie serve` everything that a vendor's own client can ask, and checks every answer.

    python tools/consumers/clients.py CLIENT URL GRPC_ADDRESS MODEL SAMPLES.safetensors

CLIENT is a function below. The model takes `image` and gives `logits` and `probabilities`; SAMPLES has `image` and the
trainer's `logits`. Prints one line of JSON: {"version": ..., "asked": [...], "difference": of the logits, over the largest},
or {"missing": why}. A wrong answer ends it with an error.
"""

import concurrent.futures
import json
import sys

import numpy as np
from safetensors.numpy import load_file

CLASSES = 3
AT_ONCE = 16


class Report:
    """What was asked, and how far any logits were from the trainer's."""

    def __init__(self, model, samples):
        self.model, self.image, self.logits = model, samples['image'], samples['logits']
        self.asked, self.difference = [], 0.0

    def compare(self, logits, wanted=None):
        wanted = self.logits if wanted is None else wanted
        assert logits.shape == wanted.shape and logits.dtype == np.float32, (logits.shape, logits.dtype)
        self.difference = max(self.difference, float(np.abs(logits - wanted).max() / np.abs(wanted).max()))

    def classes(self, text):
        assert text.shape == (len(self.logits), CLASSES), text.shape
        for row, logits in zip(text, self.logits):
            found = [(each if isinstance(each, str) else each.decode()).split(':') for each in row]
            assert [int(index) for _, index, _ in found] == list(np.argsort(-logits)[:CLASSES]), found
            assert all(name for _, _, name in found), found

    def refused(self, error, words, *code):
        said = f'{error}'
        assert words in said, f'{words!r} is not in {said!r}'
        assert all(each in said for each in code), said


def catch(kind, call, *args, **named):
    try:
        call(*args, **named)
    except kind as error:
        return error
    raise AssertionError(f'{call.__name__} was not refused')


def triton(report, client, package, is_http):
    """What both of Triton's clients share."""
    from tritonclient.utils import InferenceServerException

    model, image = report.model, report.image
    answer = (lambda found: found) if is_http else (lambda found: json_of(found))

    def tensor(value, binary=True, name='image', datatype='FP32'):
        made = package.InferInput(name, list(value.shape), datatype)
        if is_http:
            made.set_data_from_numpy(value, binary_data=binary)
        else:
            made.set_data_from_numpy(value)
        return made

    def wanted(name, count=0, binary=True):
        if is_http:
            return package.InferRequestedOutput(name, binary_data=binary, class_count=count)
        return package.InferRequestedOutput(name, class_count=count)

    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
    report.asked.append('health')
    assert answer(client.get_server_metadata())['name'] == 'selfie-onnx'
    described = answer(client.get_model_metadata(model))
    assert [each['name'] for each in described['inputs']] == ['image'], described
    assert [int(size) for size in described['inputs'][0]['shape']][0] == -1, described
    version = described['versions'][0]
    assert client.is_model_ready(model, version)
    config = answer(client.get_model_config(model, version))
    config = config if is_http else config['config']
    assert config['input'][0]['data_type'] == 'TYPE_FP32' and config['max_batch_size'] > 0, config
    index = answer(client.get_model_repository_index())
    index = index if is_http else index['models']
    assert (model, 'READY') in [(each['name'], each['state']) for each in index], index
    report.asked += ['metadata', 'config', 'index']

    forms = [(a, b) for a in (True, False) for b in (True, False)] if is_http else [(True, True)]
    for binary_in, binary_out in forms:
        outputs = [wanted('logits', binary=binary_out)]
        found = client.infer(model, [tensor(image, binary_in)], outputs=outputs, request_id='seven')
        assert found.get_response(**({} if is_http else {'as_json': True}))['id'] == 'seven'
        report.compare(found.as_numpy('logits'))
        assert found.as_numpy('probabilities') is None
    everything = client.infer(model, [tensor(image)], model_version=version, parameters={'mine': 1})
    report.compare(everything.as_numpy('logits'))
    assert np.allclose(everything.as_numpy('probabilities').sum(axis=1), 1, atol=1e-5)
    report.asked += ['JSON and binary' if is_http else 'raw tensors', 'id', 'parameters']

    for binary in (True, False) if is_http else (True,):
        outputs = [wanted('logits', CLASSES, binary)]
        report.classes(client.infer(model, [tensor(image)], outputs=outputs).as_numpy('logits'))
    report.asked.append('classes')

    for algorithm in ('gzip', 'deflate'):
        named = {'compression_algorithm': algorithm}
        if is_http:
            named = {'request_compression_algorithm': algorithm, 'response_compression_algorithm': algorithm}
        report.compare(client.infer(model, [tensor(image)], **named).as_numpy('logits'))
    report.asked.append('gzip, deflate')

    def refused(words, code, call, *args, **named):
        report.refused(catch(InferenceServerException, call, *args, **named), words, code)

    refused('there is no model none', '404' if is_http else 'NOT_FOUND', client.infer, 'none', [tensor(image)])
    invalid = '400' if is_http else 'INVALID_ARGUMENT'
    refused('has no version 999999', '404' if is_http else 'NOT_FOUND', client.infer, model, [tensor(image)], '999999')
    refused('but must be [-1, ', invalid, client.infer, model, [tensor(image[:, :1])])
    refused('there is no input other', invalid, client.infer, model, [tensor(image, name='other')])
    refused('there is no output other', invalid, client.infer, model, [tensor(image)], outputs=[wanted('other')])
    doubles = tensor(image.astype(np.float64), datatype='FP64')
    refused('is FP64, but must be FP32', invalid, client.infer, model, [doubles])
    text = tensor(np.array([[b'a']], dtype=np.object_), datatype='BYTES')
    refused('datatype BYTES is not served', invalid, client.infer, model, [text])
    missing = '501' if is_http else 'UNIMPLEMENTED'
    for call, args in (
        (client.load_model, (model,)),
        (client.unload_model, (model,)),
        (client.get_trace_settings, ()),
        (client.get_log_settings, ()),
        (client.get_system_shared_memory_status, ()),
        (client.get_cuda_shared_memory_status, ()),
    ):
        refused('', missing, call, *args)
    report.asked.append('13 refusals')

    found = answer(client.get_inference_statistics(model))['model_stats']
    statistics = {name: int(found[0]['inference_stats'][name]['count']) for name in ('success', 'fail')}
    assert statistics['success'] >= len(forms) + 4 and statistics['fail'] >= 4, statistics
    assert int(found[0]['inference_count']) >= statistics['success'], found
    report.asked.append('statistics')
    return tensor, wanted


def json_of(message):
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, preserving_proto_field_name=True)


def tritonclient_http(url, _grpc, report):
    import tritonclient.http as package

    host = url.split('//')[1]
    with package.InferenceServerClient(host, concurrency=AT_ONCE) as client:
        tensor, _ = triton(report, client, package, True)
        pending = [client.async_infer(report.model, [tensor(report.image[i % 4 : i % 4 + 1])]) for i in range(4 * AT_ONCE)]
        for i, each in enumerate(pending):
            report.compare(each.get_result().as_numpy('logits'), report.logits[i % 4 : i % 4 + 1])
        report.asked.append(f'{len(pending)} async')
    return installed('tritonclient')


def tritonclient_grpc(_url, grpc, report):
    import queue

    import tritonclient.grpc as package

    with package.InferenceServerClient(grpc) as client:
        tensor, _ = triton(report, client, package, False)
        answers = queue.Queue()
        asked = 4 * AT_ONCE
        keep = lambda result, error: answers.put((result, error))
        for i in range(asked):
            client.async_infer(report.model, [tensor(report.image[i % 4 : i % 4 + 1])], keep, request_id=str(i))
        gather(report, answers, asked)
        report.asked.append(f'{asked} async')
        client.start_stream(keep)
        for i in range(asked):
            client.async_stream_infer(report.model, [tensor(report.image[i % 4 : i % 4 + 1])], request_id=str(i))
        gather(report, answers, asked)
        client.async_stream_infer('none', [tensor(report.image)])
        report.refused(answers.get(timeout=60)[1], 'there is no model none')
        client.stop_stream()
        report.asked.append(f'a stream of {asked}')
        large = np.zeros((1, 3, 4096, 4096), np.float32)
        from tritonclient.utils import InferenceServerException

        error = catch(InferenceServerException, client.infer, report.model, [tensor(large)])
        report.refused(error, 'larger than max', 'RESOURCE_EXHAUSTED')
        report.asked.append('a message too large')
    return installed('tritonclient')


def gather(report, answers, count):
    for _ in range(count):
        result, error = answers.get(timeout=60)
        assert error is None, error
        row = int(result.get_response().id) % 4
        report.compare(result.as_numpy('logits'), report.logits[row : row + 1])


def kserve(url, grpc, report):
    import asyncio
    import logging

    logging.disable(logging.CRITICAL)
    import kserve as package

    async def ask():
        config = package.RESTConfig(protocol='v2')
        rest = package.InferenceRESTClient(config=config)
        assert await rest.is_server_live(url) and await rest.is_server_ready(url)
        assert await rest.is_model_ready(url, report.model)
        report.asked.append('REST: health')
        for binary in (True, False):
            await infer(lambda made: rest.infer(url, made, model_name=report.model), binary)
        report.asked.append('JSON and binary')
        every = [infer(lambda made: rest.infer(url, made, model_name=report.model), False) for _ in range(AT_ONCE)]
        await asyncio.gather(*every)
        report.asked.append(f'{AT_ONCE} at once')
        await rest.close()
        client = package.InferenceGRPCClient(grpc)
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready(report.model)
        for binary in (True, False):
            await infer(lambda made: client.infer(made), binary)
        await client.close()
        report.asked += ['gRPC: health', 'typed and raw tensors']

    async def infer(call, binary):
        tensor = package.InferInput('image', list(report.image.shape), 'FP32')
        tensor.set_data_from_numpy(report.image, binary_data=binary)
        made = package.InferRequest(model_name=report.model, infer_inputs=[tensor])
        found = await call(made)
        outputs = {each.name: each.as_numpy() for each in found.outputs}
        report.compare(outputs['logits'])

    asyncio.run(ask())
    return installed('kserve')


def installed(name):
    from importlib.metadata import version

    return version(name)


def main(name, url, grpc, model, samples):
    report = Report(model, load_file(samples))
    try:
        version = globals()[name](url, grpc, report)
    except ImportError as error:
        print(json.dumps({'missing': f'{error}'}))
        return
    print(json.dumps({'version': version, 'asked': report.asked, 'difference': report.difference}))


main(*sys.argv[1:])
