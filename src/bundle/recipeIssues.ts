/** What is wrong with a recipe, or a part of one, in words. */
import type { z } from 'zod';
import { unknownKey } from './overrides';

/** Of a schema's refusal with `reportInput`: each key with what stands there, unknown ones with the nearest known. */
export const describeIssues = ({ issues }: z.ZodError): string => issues.map(describeIssue).join('; ');

function describeIssue(issue: z.core.$ZodIssue): string {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(at === '' ? key : `${at}.${key}`)).join('; ');
  if (issue.input === undefined) return `${at} is missing`;
  const reason = issue.message.replace(/^Invalid (input|option): /, '');
  const message = `${JSON.stringify(issue.input)}: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
  return at === '' ? message : `${at} is ${message}`;
}
