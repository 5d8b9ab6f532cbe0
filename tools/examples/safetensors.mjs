/** Safetensors bytes to named tensors and back, as far as bundles need it: float32, int64, uint8 and uint16. */

const TYPES = {
  F32: ['float32', Float32Array],
  I64: ['int64', BigInt64Array],
  U8: ['uint8', Uint8Array],
  U16: ['uint16', Uint16Array],
};
const CODES = Object.fromEntries(Object.entries(TYPES).map(([code, [dtype]]) => [dtype, code]));

/** name -> { dtype, shape, data }; each `data` has memory of its own. */
export function decode(bytes) {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  delete header.__metadata__;
  const tensor = ({ dtype: code, shape, data_offsets: [from, to] }) => {
    const [dtype, array] = TYPES[code];
    return { dtype, shape, data: new array(new Uint8Array(bytes.subarray(start + from, start + to)).buffer) };
  };
  return Object.fromEntries(Object.entries(header).map(([name, entry]) => [name, tensor(entry)]));
}

/** The bytes of a file that holds `tensors` in their order; `metadata` is a map of strings. */
export function encode(tensors, metadata) {
  const header = { __metadata__: metadata };
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: CODES[dtype], shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(start + end).fill(' '.charCodeAt(0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  for (const [name, { data }] of Object.entries(tensors)) {
    const at = start + header[name].data_offsets[0];
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
  }
  return bytes;
}
