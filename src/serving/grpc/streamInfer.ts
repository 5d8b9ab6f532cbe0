/** Triton's ModelStreamInfer: requests of one stream answered one after another, in their order. */
import { status, type ServerDuplexStream } from '@grpc/grpc-js';

type Stream = ServerDuplexStream<Buffer, Buffer>;

export class InferStreams {
  /** with whether a request is being computed */
  private readonly open = new Map<Stream, boolean>();
  private stopping = false;

  /** Messages are bytes. @param infer answers a request  @param refuse the answer that tells the client of its error */
  constructor(
    private readonly infer: (request: Buffer) => Promise<Buffer>,
    private readonly refuse: (error: unknown) => Buffer,
  ) {}

  readonly handle = (stream: Stream): void => {
    this.open.set(stream, false);
    stream.on('error', () => this.open.delete(stream));
    stream.on('cancelled', () => this.open.delete(stream));
    void this.serve(stream);
  };

  /** Ends the streams, each after the request that it is at. */
  stop(): void {
    this.stopping = true;
    for (const [stream, isBusy] of this.open) if (!isBusy) this.end(stream);
  }

  private async serve(stream: Stream): Promise<void> {
    try {
      // The client may be done and still wait for answers.
      for await (const request of stream.iterator({ destroyOnReturn: false })) {
        if (!this.open.has(stream)) return;
        this.open.set(stream, true);
        const answer = await this.infer(request as Buffer).catch(this.refuse);
        if (!this.open.has(stream)) return;
        const hasRoom = stream.write(answer);
        if (!hasRoom) await new Promise((resolve) => stream.once('drain', resolve).once('close', resolve));
        this.open.set(stream, false);
        if (this.stopping) {
          this.end(stream);
          return;
        }
      }
      stream.end();
    } catch {
      // The client broke it off.
    } finally {
      this.open.delete(stream);
    }
  }

  private end(stream: Stream): void {
    this.open.delete(stream);
    stream.emit('error', { code: status.UNAVAILABLE, details: 'the server is shutting down' });
  }
}
