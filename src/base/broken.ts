/** What an image does that cannot be decoded: fail, or be skipped and named. */

export const BROKEN = ['fail', 'skip'] as const;
export type Broken = (typeof BROKEN)[number];
