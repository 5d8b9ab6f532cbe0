/** Bytes of the page become a file of the person's, in every browser. */

/** Safari and Firefox read the address after the click, and Safari asks first. */
const LIVES_MS = 10 * 60_000;

export function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const address = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.download = name;
  link.href = address;
  link.hidden = true;
  // older Firefox follows only what lies in the document
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), LIVES_MS);
}
