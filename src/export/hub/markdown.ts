/** Text inside Markdown. */

/** Text that is not to be taken for markup. */
export const escape = (text: string) => text.replace(/[\\`*_[\]<>|#&~]/g, '\\$&').replace(/\s+/g, ' ');
