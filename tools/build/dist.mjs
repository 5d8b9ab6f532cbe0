/**
 * The folder dist/: made aside and put in its place whole, so that a command that starts while a build runs finds the build
 * before it, and one that fails or is stopped changes nothing. The build that was replaced stays for a while as .build-ID/: a
 * process that began with it takes the files of its threads from there (src/base/build.ts), which is all that a command loads
 * after its start. The commands that an experiment starts are each of the build that is there then.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** In it the ID of the build; it is as old as the build's beginning. */
const MARK = 'build-id';
/** replaced builds that are kept */
const KEPT = 5;
/** what a running process may still load */
const LOADED = new Set(['src', 'graphs', 'package.json', MARK]);

// beside dist/: source maps and what is found from a file's place count the folders up to the root
const aside = (root, name) => path.join(root, `.build-${name}`);

const namesAside = (root, form) =>
  readdirSync(root).flatMap((name) => (form.test(name) ? name.slice('.build-'.length) : []));

const remove = (folder) => rmSync(folder, { recursive: true, force: true });

const runs = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A new folder to build into; takes away what builds that were stopped have left. */
export function begin(root) {
  for (const name of namesAside(root, /^\.build-new-\d+$/))
    if (!runs(Number(name.slice('new-'.length)))) remove(aside(root, name));
  const folder = aside(root, `new-${process.pid}`);
  remove(folder);
  mkdirSync(folder);
  writeFileSync(path.join(folder, MARK), String(Date.now()));
  return folder;
}

/** Puts the finished `folder` in the place of dist/. */
export function place(root, folder) {
  const dist = path.join(root, 'dist');
  const mark = path.join(dist, MARK);
  const replaced = existsSync(mark) ? aside(root, readFileSync(mark, 'utf8')) : undefined;
  if (replaced === undefined) remove(dist);
  else renameSync(dist, replaced);
  renameSync(folder, dist);
  if (replaced === undefined) return;
  for (const name of readdirSync(replaced)) if (!LOADED.has(name)) remove(path.join(replaced, name));
  const builds = namesAside(root, /^\.build-\d+$/).sort((a, b) => b - a);
  for (const old of builds.slice(KEPT)) remove(aside(root, old));
}

/** Whether dist/ is a whole build that no file of `sources` is newer than. */
export function isCurrent(root, sources) {
  const mark = path.join(root, 'dist', MARK);
  if (!existsSync(mark)) return false;
  const began = statSync(mark).mtimeMs;
  return sources.every((file) => statSync(path.join(root, file)).mtimeMs <= began);
}
