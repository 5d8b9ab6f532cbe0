/** Links, pictures and the program of a Markdown file. */

/** Targets of links and pictures that are no addresses and no places of the same file, without `#...`. */
export function relativeLinks(markdown: string): string[] {
  // what stands in code is no link
  const prose = markdown.replace(/^```[^]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)];
  const reference = [...prose.matchAll(/^\[[^\]]+\]:\s*<?([^\s>]+)/gm)];
  const html = [...prose.matchAll(/\b(?:src|href|srcset)="([^"\s]+)/g)];
  return [...inline, ...reference, ...html]
    .map(([, target]) => target.replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^([a-z][a-z+.-]*:|\/\/)/i.test(target));
}

/** The README's program, ended after 40 of its 500 steps. An Error where it is another one. */
export function shortProgram(markdown: string): string {
  const [, program = ''] = /```js\n(.*?)```/s.exec(markdown) ?? [];
  const short = program.replace('step % 100', 'step % 40').replace('step === 500', 'step === 40');
  if (!/step % 40\b.*step === 40\b/s.test(short)) throw new Error('the README has no program of 500 steps');
  return short;
}
