/** The connections of an HTTP server, and which of them hold nothing up when it stops. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class Connections {
  /** with the request that is being read or answered there */
  private readonly open = new Map<Socket, IncomingMessage | null>();

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.open.set(socket, null);
      socket.once('close', () => this.open.delete(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      this.open.set(socket, request);
      response.once('close', () => {
        if (this.open.get(socket) === request) this.open.set(socket, null);
      });
    });
  }

  /** Closes those on which no whole request has arrived. */
  closeUnread(): void {
    for (const [socket, request] of this.open) if (!request?.complete) socket.destroy();
  }
}
