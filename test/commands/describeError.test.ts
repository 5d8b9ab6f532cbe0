/** One line for users; the stack only where it is asked for. */
import { describeError } from '../../src/commands/describeError';
import { UserError } from '../../src/base/errors';

test('what the user caused is its message alone, with and without debugging', () => {
  const error = new UserError('x.json: not JSON;\n  build it again');
  for (const debug of [true, false])
    expect(describeError(error, debug)).toBe('error: x.json: not JSON; build it again');
});

test('what the system refuses is one line', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
  expect(describeError(error, false)).toBe('error: ENOSPC: no space left on device, write');
});

test('anything else says how to see its stack', () => {
  const error = new TypeError('odd\nthing');
  expect(describeError(error, false)).toBe('error: odd thing (unexpected; set SELFIE_DEBUG=1 to see where)');
  expect(describeError(error, true)).toBe(error.stack);
  expect(describeError('text', true)).toContain('error: text (unexpected');
});
