/** Images in a terminal: iTerm2's and kitty's protocols, or half blocks in colour. */

/** `text`: the terminal can show no picture. */
export type TerminalKind = 'iterm2' | 'kitty' | 'blocks' | 'blocks256' | 'text';

/** What `environment` says of the terminal. @param colours that the output shows; 1 where it is no terminal */
export function terminalKind(
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
  colours: number,
): TerminalKind {
  if (!isTerminal) return 'text';
  const { TERM = '', TERM_PROGRAM = '', KITTY_WINDOW_ID, TMUX } = environment;
  // tmux and screen swallow the protocols' sequences.
  if (TMUX === undefined && !/^(?:screen|tmux)/.test(TERM)) {
    if (TERM === 'xterm-kitty' || KITTY_WINDOW_ID || TERM_PROGRAM === 'ghostty') return 'kitty';
    if (TERM_PROGRAM === 'iTerm.app' || TERM_PROGRAM === 'WezTerm') return 'iterm2';
  }
  if (colours >= 2 ** 24) return 'blocks';
  return colours >= 256 ? 'blocks256' : 'text';
}

/** A PNG shown by iTerm2, as wide as `columns` characters at most. */
export function iterm2Image(png: Buffer, columns: number): string {
  const size = `size=${png.length};inline=1;width=${columns};preserveAspectRatio=1`;
  return `\x1b]1337;File=${size}:${png.toString('base64')}\x07\n`;
}

const KITTY_PIECE = 4096;

/** A PNG shown by kitty, `columns` characters wide. */
export function kittyImage(png: Buffer, columns: number): string {
  const text = png.toString('base64');
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += KITTY_PIECE) {
    const more = at + KITTY_PIECE < text.length ? 1 : 0;
    const control = at === 0 ? `a=T,f=100,c=${columns},m=${more}` : `m=${more}`;
    pieces.push(`\x1b_G${control};${text.slice(at, at + KITTY_PIECE)}\x1b\\`);
  }
  return `${pieces.join('')}\n`;
}

/** RGB pixels [height, width, 3], height even, two a character, one above the other. */
export function halfBlocks(pixels: Uint8Array, width: number, height: number, trueColour: boolean): string[] {
  const code = (x: number, y: number) => {
    const at = (y * width + x) * 3;
    const [r, g, b] = pixels.subarray(at, at + 3);
    return trueColour ? `2;${r};${g};${b}` : `5;${cube(r, g, b)}`;
  };
  return Array.from({ length: height / 2 }, (_, row) => {
    const cells = Array.from(
      { length: width },
      (_unused, x) => `\x1b[38;${code(x, 2 * row)};48;${code(x, 2 * row + 1)}m▀`,
    );
    return `${cells.join('')}\x1b[0m`;
  });
}

/** The nearest colour of the 6 x 6 x 6 cube of 256-colour terminals. */
function cube(r: number, g: number, b: number): number {
  const step = (value: number) => (value < 48 ? 0 : value < 115 ? 1 : Math.floor((value - 35) / 40));
  return 16 + 36 * step(r) + 6 * step(g) + step(b);
}
