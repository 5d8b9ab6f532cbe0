/** How much of all bodies is read in one turn of the event loop, so that who connects meanwhile is heard soon. */
import type { Server } from 'node:net';

/** Bytes of bodies that are read in one turn. */
export const TURN_BYTES = 2 ** 20;
/**
 * Node takes one connection a turn, behind which others may stand: while they come, bodies wait, but for no more turns than
 * these at a stretch.
 */
export const CONNECTING_TURNS = 64;

interface Waiting {
  readonly bytes: number;
  readonly read: () => void;
}

export class BodyTurns {
  private left = TURN_BYTES;
  private waiting: Waiting[] = [];
  private isConnecting = false;
  /** turns for which bodies have waited for connections */
  private held = 0;
  private turn: NodeJS.Immediate | undefined;

  constructor(server: Server) {
    server.on('connection', () => (this.isConnecting = true));
  }

  /** Calls `read` now, where the bytes before it leave room in this turn, otherwise in a later one, in the order of asking. */
  take(bytes: number, read: () => void): void {
    this.turn ??= setImmediate(() => this.next());
    if (this.left <= 0 || this.waiting.length > 0 || this.holds()) {
      this.waiting.push({ bytes, read });
      return;
    }
    this.left -= bytes;
    read();
  }

  private holds(): boolean {
    return this.isConnecting && this.held < CONNECTING_TURNS;
  }

  private next(): void {
    this.left = this.holds() ? 0 : TURN_BYTES;
    this.held = this.holds() ? this.held + 1 : 0;
    this.isConnecting = false;
    const { waiting } = this;
    let count = 0;
    while (count < waiting.length && this.left > 0) this.left -= waiting[count++].bytes;
    this.waiting = waiting.slice(count);
    this.turn = waiting.length > 0 ? setImmediate(() => this.next()) : undefined;
    for (const { read } of waiting.slice(0, count)) read();
  }
}
