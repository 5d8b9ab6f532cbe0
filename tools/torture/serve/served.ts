/** Hostile HTTP and gRPC: the server lives, says that it does within 100 ms, answers others rightly, and stays small. */
import { append } from '../../../src/base/lists';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Place } from '../commands/program';
import { isAsked, type Setting, trialsOf } from '../section';
import { type Attack, HTTP_ATTACKS } from './attacks';
import { head, openMany, sleep } from './connections';
import { GRPC_ATTACKS, grpcDamaged } from './grpcAttacks';
import { damagedRequest, MALFORMED, type Malformed } from './malformed';
import { causeOf, openTarget, type Target } from './target';

/** Milliseconds in which 99 of 100 probes are answered, whatever goes on. */
const ALIVE = 100;
/** Bytes that the server may take. */
const MOST = 2 ** 30;
/** Milliseconds between two right requests. */
const ASK = 500;
const DAMAGED = 400;
/** What a short run tries. */
const SHORT = /^(wrong lengths|16 announced bodies|nested JSON|damaged)/;

const isWanted = (setting: Setting, name: string) =>
  isAsked(setting, name) && (!setting.short || SHORT.test(name));

export async function http(setting: Setting, { work: material }: Place): Promise<void> {
  const asked = HTTP_ATTACKS.filter(({ name }) => isWanted(setting, name));
  await attackAll(setting, 'http', material, asked);
  if (isAsked(setting, 'malformed') || isAsked(setting, 'damaged')) await malformed(setting, material);
  if (isAsked(setting, 'stop') && !setting.short) await stopping(setting, material);
}

/** Seconds of `--grace`, and those that ending may take beside it. */
const GRACE = 2;
const ENDING = 5;

/** A server that is asked to stop while requests are open ends in time. */
async function stopping({ report, say }: Setting, material: string): Promise<void> {
  const target = await openTarget(material, '--grace', String(GRACE));
  const problems: string[] = [];
  const sockets = await openMany(target.port, 20);
  sockets.forEach((socket) =>
    socket.write(head('/classify', { 'content-length': 1000, 'content-type': 'image/png' })),
  );
  await sleep(300);
  const started = performance.now();
  target.child.kill('SIGTERM');
  const code = await Promise.race([target.ended, sleep(1000 * (GRACE + ENDING + 20))]);
  const seconds = (performance.now() - started) / 1000;
  // 143: something was cut off
  if (code !== 0 && code !== 143)
    problems.push(typeof code === 'number' ? `ended with ${code}` : 'did not end by itself');
  if (seconds > GRACE + ENDING) problems.push(`took ${seconds.toFixed(1)} s with --grace ${GRACE}`);
  target.close();
  sockets.forEach((socket) => socket.destroy());
  report.add({ section: 'http', name: 'stop', trial: 0, what: 'SIGTERM with open requests', problems });
  say(`http: stop: ${seconds.toFixed(1)} s`);
}

export async function grpc(setting: Setting, { work: material }: Place): Promise<void> {
  const all = [...GRPC_ATTACKS, grpcDamaged(setting.seed, setting.short ? 60 : DAMAGED)];
  const asked = all.filter(({ name }) => isWanted(setting, name));
  await attackAll(setting, 'grpc', material, asked);
}

/** Each against a server of its own, so that its memory is its own; a short run has one for all. */
async function attackAll(
  { report, say, short }: Setting,
  section: string,
  material: string,
  attacks: readonly Attack[],
): Promise<void> {
  if (attacks.length === 0) return;
  let target = await openTarget(material);
  try {
    for (const [i, attack] of attacks.entries()) {
      if (i > 0 && !short) {
        target.close();
        target = await openTarget(material);
      }
      const { name } = attack;
      const { problems, figures } = await underAttack(target, attack);
      report.add({ section, name, trial: 0, what: figures, problems });
      say(`${section}: ${name}: ${figures}`);
      report.figure(`${section}: ${name}: ${figures}`);
      if (hasEnded(target)) target = await openTarget(material);
    }
  } finally {
    target.close();
  }
}

const hasEnded = ({ child }: Target) => child.exitCode !== null || child.signalCode !== null;

/** Runs one attack with the prober and right requests beside it. */
async function underAttack(
  target: Target,
  { mayRefuse = false, run }: Attack,
): Promise<{ problems: string[]; figures: string }> {
  await target.probes();
  const said = target.said().length;
  let isOver = false;
  const asking = (async () => {
    const all: string[] = [];
    do {
      append(all, await target.ask());
      await sleep(ASK);
    } while (!isOver);
    return all;
  })();
  const own = await run(target);
  isOver = true;
  const asked = (await asking).filter((line) => !(mayRefuse && / got (429|503)/.test(line)));
  // once it is over, everything is as before
  const after = await target.ask();
  const { times, failures } = await target.probes();
  const p99 = times[Math.max(0, Math.ceil(times.length * 0.99) - 1)] ?? NaN;
  const { now, most } = target.memory();
  const log = target.said().slice(said);
  const problems = [
    ...own,
    ...new Set(asked),
    ...after.map((line) => `afterwards, ${line}`),
    ...(p99 <= ALIVE ? [] : [`/v2/health/live took ${p99.toFixed(0)} ms (p99)`]),
    ...new Set(failures.map((line) => `/v2/health/live: ${line}`)),
    ...(most <= MOST ? [] : [`took ${mebibytes(most)}`]),
    ...(/nobody foresaw|a request failed|^ {4}at |Unhandled/m.test(log) ? [`it said: ${log.trim()}`] : []),
    ...(hasEnded(target) ? [`the server ended: ${log.trim()}`] : []),
  ];
  const worst = times.at(-1) ?? NaN;
  const figures = `live p99 ${p99.toFixed(0)} ms, at most ${worst.toFixed(0)} ms of ${times.length}; ${mebibytes(now)}, at most ${mebibytes(most)}`;
  return { problems, figures };
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Requests that are wrong in one way, and drawn ones: each gets an answer, and a right one afterwards its right one. */
async function malformed(setting: Setting, material: string): Promise<void> {
  const { report, seed, short, say } = setting;
  const target = await openTarget(material);
  const photo = readFileSync(path.join(material, 'photos', 'test', 'pear', '0.png'));
  const asked = [...MALFORMED.entries()].filter(([trial]) => isAsked(setting, 'malformed', trial));
  const drawn = isAsked(setting, 'damaged') ? trialsOf(setting, short ? 40 : DAMAGED) : [];
  try {
    const tries = [
      ...asked.map(([trial, each]) => ({ each, name: 'malformed', trial })),
      ...drawn.map((trial) => ({ each: damagedRequest(seed, trial, photo), name: 'damaged', trial })),
    ];
    for (const [i, { each, name, trial }] of tries.entries()) {
      const problems = await answerProblems(target, each);
      if (problems.length > 0 || i % 20 === 0) append(problems, await target.ask());
      report.add({ section: 'http', name, trial, what: each.name, problems });
    }
    say(`http: ${asked.length} malformed and ${drawn.length} damaged requests`);
  } finally {
    target.close();
  }
}

async function answerProblems(
  target: Target,
  { path: at, method = 'POST', headers, body }: Malformed,
): Promise<string[]> {
  const before = target.said().length;
  try {
    const signal = AbortSignal.timeout(20_000);
    const response = await fetch(target.url + at, { method, headers, body: body as string, signal });
    const text = await response.text();
    const log = target.said().slice(before);
    return [
      ...(response.status >= 500 && response.status !== 501 ? [`${response.status}: ${text}`] : []),
      ...(/(?! )[\p{Cc}]/u.test(text.trim()) && /json/.test(response.headers.get('content-type') ?? '')
        ? [`control characters: ${text}`]
        : []),
      ...(text.length > 20_000 && !response.ok ? [`an error of ${text.length} characters`] : []),
      ...(/request failed|^ {4}at /m.test(log) ? [`it said: ${log.trim()}`] : []),
    ];
  } catch (error) {
    const cause = causeOf(error);
    // a connection that is closed on a body that nobody wants to read to its end is an answer
    return /ECONNRESET|EPIPE|other side closed/.test(cause) ? [] : [`no answer: ${cause}`];
  }
}
