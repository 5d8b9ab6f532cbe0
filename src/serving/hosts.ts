/**
 * By which names a server may be asked. A page of a stranger can have its own name point to this machine (DNS rebinding), and
 * a browser then lets it read the answers; the name that it asked by gives it away.
 */
import { isIP } from 'node:net';
import { UserError } from '../base/errors';
import { RequestError } from './protocol/requestError';

const LOCAL = ['localhost', '127.0.0.1', '::1'];
const ANY = '*';

export class Hosts {
  /** null: any */
  private readonly names: ReadonlySet<string> | null;

  /**
   * @param bound the address that is listened on @param allowed names beside those of this machine, `*` for any; undefined:
   * none where only this machine can ask, otherwise any
   * @throws UserError for what is no name
   */
  constructor(bound: string, allowed: readonly string[] | undefined) {
    const isAny = allowed === undefined ? !isLoopback(bound) : allowed.includes(ANY);
    this.names = isAny ? null : new Set([...LOCAL, plain(bound), ...(allowed ?? []).map(requireName)]);
  }

  /** RequestError where `host`, of a Host header or an :authority, is not allowed. */
  require(host: string | undefined): void {
    if (this.names === null || this.names.has(hostName(host ?? ''))) return;
    throw new RequestError(
      'forbidden',
      `host ${host?.slice(0, 100) || '(none)'} is not served; if it is to be, start the server with --allowed-hosts ${hostName(host ?? '').slice(0, 100) || 'NAME'}`,
    );
  }
}

const isLoopback = (bound: string) =>
  LOCAL.includes(plain(bound)) || (isIP(bound) === 4 && bound.startsWith('127.'));

const plain = (name: string) =>
  name
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
    .replace(/\.$/, '');

/** Without the port. */
const hostName = (host: string) => plain(host.replace(/:\d*$/, isIP(host) === 6 ? '$&' : ''));

function requireName(name: string): string {
  const found = plain(name);
  if (isIP(found) === 0 && !/^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$/.test(found))
    throw new UserError(`--allowed-hosts ${name}: expected names or addresses without a port, or ${ANY}`);
  return found;
}
