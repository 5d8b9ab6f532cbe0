/** Why a server cannot listen. */
import { UserError } from '../base/errors';

/** @param option the one that says the port  @param reason what the system said, with its code */
export const cannotListen = (option: string, port: number, host: string, reason: string): UserError =>
  new UserError(
    reason.includes('EADDRINUSE')
      ? `${option} ${port}: another program listens there; choose another port, or 0 for any`
      : `${option} ${port}: cannot listen on ${host} (${reason})`,
  );
