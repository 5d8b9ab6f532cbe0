/** Links and pictures of a Markdown file. */

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
