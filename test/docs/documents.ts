/** The documents of the repository, and the commands in them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../support/paths';

/** Of others, or made: no documents of ours. */
const LEFT_OUT = /(^|\/)(node_modules|dist|\.[^/]+|test\/fixtures|models\/.+\/)/;

/** From the root. */
export const DOCUMENTS: readonly string[] = readdirSync(repositoryRoot)
  .flatMap((entry) => {
    const below = ['src', 'graphs', 'tools', 'test', 'models'].includes(entry)
      ? (readdirSync(path.join(repositoryRoot, entry), { recursive: true }) as string[])
      : [];
    return [entry, ...below.map((name) => path.posix.join(entry, name))];
  })
  .filter((file) => file.endsWith('.md') && !LEFT_OUT.test(file))
  .sort();

export const textOf = (document: string) => readFileSync(path.join(repositoryRoot, document), 'utf8');

/** What a command line begins with. */
const COMMAND = /^(npm|npx|node|python3?|bash|selfie|curl|mkdir|mv|\.ci\/run|[A-Z_]+=\S+ npm)(?=\s|$)/;

export interface Commands {
  /** of blocks of `sh`, in their order, without comments */
  readonly block: readonly string[];
  /** in the text */
  readonly inline: readonly string[];
}

export function commandsOf(document: string): Commands {
  const text = textOf(document);
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block);
  const prose = text.replace(/^```.*?^```$/gms, '');
  return {
    block: blocks
      .flatMap((block) => block.split('\n'))
      .map((line) => line.replace(/\s+#.*$/, '').trim())
      .filter((line) => line !== ''),
    inline: [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code).filter((code) => COMMAND.test(code)),
  };
}
