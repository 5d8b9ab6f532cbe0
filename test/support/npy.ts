/** `.npy` files of version 1, as `numpy.save` writes them. */

/** @param descr NumPy's name of the type; default: that of the array, little-endian */
export function encodeNpy(
  values: Uint8Array | Uint16Array | Float32Array,
  shape: readonly number[],
  { descr, fortran = false }: { readonly descr?: string; readonly fortran?: boolean } = {},
): Buffer {
  const own = { 1: '|u1', 2: '<u2', 4: '<f4' }[values.BYTES_PER_ELEMENT];
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr ?? own}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${sizes}), }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([head, Buffer.from(header, 'latin1'), bytes]);
}
