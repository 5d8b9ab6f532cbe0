/** TensorBoard event files: `Event` messages (tensorflow/core/util/event.proto) framed as TFRecords. */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { parse } from 'protobufjs';
import { maskedCrc32c } from '../base/crc32c';
import { fileError, writeFully } from '../base/files';

/** The fields of TensorFlow's messages that scalars need, with their numbers. */
export const Event = parse(
  `syntax = "proto3";
  message Value { string tag = 1; float simple_value = 2; }
  message Summary { repeated Value value = 1; }
  message SessionLog { int32 status = 1; }
  message Event {
    double wall_time = 1;
    int64 step = 2;
    oneof what { string file_version = 3; Summary summary = 5; SessionLog session_log = 7; }
  }`,
  { keepCase: true },
).root.lookupType('Event');

/** SessionLog.START: TensorBoard drops what earlier files say about this step and later ones. */
export const START = 1;

/** uint64 length, its checksum, the bytes, their checksum; little-endian. */
export function frameRecord(bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(BigInt(bytes.length));
  header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
  const footer = Buffer.alloc(4);
  footer.writeUInt32LE(maskedCrc32c(bytes));
  return Buffer.concat([header, bytes, footer]);
}

export function encodeEvent(event: Readonly<Record<string, unknown>>): Uint8Array {
  return Event.encode(event).finish();
}

/** Appends scalars to a new event file in a folder; a resumed run writes another file beside the first. */
export class TensorBoardWriter {
  private readonly fd: number;
  private readonly file: string;

  /** `step`: steps finished before; `now` in milliseconds. */
  constructor(folder: string, step: number, now = Date.now()) {
    mkdirSync(folder, { recursive: true });
    // TensorBoard reads a folder's files by name: a later one must sort behind, also within one second.
    const order = String(readdirSync(folder).length).padStart(4, '0');
    const seconds = String(Math.floor(now / 1000)).padStart(10, '0');
    this.file = path.join(folder, `events.out.tfevents.${seconds}.${order}.${hostname()}`);
    this.fd = openSync(this.file, 'a');
    this.append(now, { file_version: 'brain.Event:2' });
    if (step > 0) this.append(now, { step: step + 1, session_log: { status: START } });
  }

  /** Writes all `scalars` of `step` as one event. */
  write(step: number, scalars: Readonly<Record<string, number>>, now = Date.now()): void {
    const value = Object.entries(scalars).map(([tag, simple_value]) => ({ tag, simple_value }));
    this.append(now, { step, summary: { value } });
  }

  sync(): void {
    fsyncSync(this.fd);
  }

  close(): void {
    closeSync(this.fd);
  }

  private append(now: number, event: Readonly<Record<string, unknown>>): void {
    try {
      writeFully(this.fd, frameRecord(encodeEvent({ wall_time: now / 1000, ...event })));
    } catch (error) {
      throw fileError('write', this.file, error);
    }
  }
}
