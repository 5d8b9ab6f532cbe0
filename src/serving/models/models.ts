/** The models of a repository that are loaded, and their replacement by what appears there. */
import {
  readRepository,
  compareVersions,
  type ModelFolder,
  type VersionFolder,
} from '../../repository/layout';
import { RequestError } from '../protocol/requestError';
import { ServedEnsemble } from './servedEnsemble';
import { OnnxModel, type ModelFinder, type ModelSettings, type ServedModel } from './servedModel';

interface Entry {
  /** by version */
  readonly loaded: Map<string, ServedModel>;
  /** why what should be served is not; null: it is */
  problem: string | null;
}

export class Models implements ModelFinder {
  private readonly entries = new Map<string, Entry>();
  /** fingerprints of what did not load, and of what the last look found new, by name and version */
  private readonly bad = new Map<string, string>();
  private readonly fresh = new Map<string, string>();
  private refreshing: Promise<void> = Promise.resolve();
  private readonly retiring = new Set<Promise<void>>();

  constructor(
    private readonly repository: string,
    private readonly settings: ModelSettings,
    private readonly say: (line: string) => void,
    private readonly warn: (line: string) => void,
  ) {}

  /**
   * Loads what is new and then lets go of what it replaces; what does not load leaves the old one in place, with a warning.
   * `patient`: a new version is loaded only when the look after finds it unchanged, since it may still be copied.
   */
  refresh({ patient }: { readonly patient: boolean }): Promise<void> {
    const done = this.refreshing.then(() => this.look(patient));
    this.refreshing = done.catch(() => {});
    return done;
  }

  /** Runs `body` with a version, the newest where none is given. RequestError where it is not served. */
  use<T>(name: string, version: string | undefined, body: (model: ServedModel) => Promise<T>): Promise<T> {
    const model = this.find(name, version);
    return model.hold(() => body(model));
  }

  /** RequestError where it is not served. */
  find(name: string, version?: string): ServedModel {
    const entry = this.entries.get(name);
    if (!entry) {
      const names = [...this.entries.keys()].join(', ');
      throw new RequestError('unknown', `there is no model ${name}; served are: ${names || 'none'}`);
    }
    const versions = this.versions(name);
    const wanted = version === undefined || version === '' ? versions[0] : version;
    const model = wanted === undefined ? undefined : entry.loaded.get(wanted);
    if (model && !model.isBroken) return model;
    if (model || wanted === undefined)
      throw new RequestError(
        'unavailable',
        `model ${name} is not ready: ${entry.problem ?? 'its thread ended'}`,
      );
    throw new RequestError(
      'unknown',
      `model ${name} has no version ${wanted}; served are: ${versions.join(', ')}`,
    );
  }

  /** Names of all models, with those that did not load. */
  get names(): string[] {
    return [...this.entries.keys()].sort();
  }

  /** Versions of a model that are loaded, newest first. */
  versions(name: string): string[] {
    return [...(this.entries.get(name)?.loaded.keys() ?? [])].sort(compareVersions);
  }

  /** Those versions, newest first. */
  loaded(name: string): ServedModel[] {
    const loaded = this.entries.get(name)?.loaded;
    return this.versions(name).flatMap((version) => loaded?.get(version) ?? []);
  }

  /** Why what should be served of it is not; null: it is. */
  problem(name: string): string | null {
    return this.entries.get(name)?.problem ?? null;
  }

  /** The newest version of each model that is loaded. */
  get newest(): ServedModel[] {
    return this.names.flatMap((name) => {
      const model = this.entries.get(name)?.loaded.get(this.versions(name)[0]);
      return model && !model.isBroken ? [model] : [];
    });
  }

  /** Whether there are models, and each of them answers but for those that never loaded. */
  get isReady(): boolean {
    const loaded = [...this.entries.values()].filter((entry) => entry.loaded.size > 0);
    return loaded.length > 0 && this.newest.length === loaded.length;
  }

  /** Requests that wait, by model. */
  get waiting(): { readonly model: ServedModel; readonly waiting: number }[] {
    return [...this.entries.values()]
      .flatMap(({ loaded }) => [...loaded.values()])
      .filter(({ platform }) => platform !== 'ensemble')
      .map((model) => ({ model, waiting: model.waiting }));
  }

  /** Waits for whoever uses a model, and ends all threads. */
  async close(): Promise<void> {
    await this.refreshing;
    for (const { loaded } of this.entries.values()) for (const model of loaded.values()) this.retire(model);
    await Promise.all(this.retiring);
  }

  private retire(model: ServedModel): void {
    const done = model.retire().finally(() => this.retiring.delete(done));
    this.retiring.add(done);
  }

  private async look(patient: boolean): Promise<void> {
    const { models, bad } = readRepository(this.repository);
    for (const { name, problem } of bad) {
      const entry = this.entry(name);
      if (entry.problem !== problem) this.warn(problem);
      entry.problem = problem;
    }
    const found = new Set([...models, ...bad].map(({ name }) => name));
    for (const [name, { loaded }] of this.entries) {
      if (found.has(name)) continue;
      this.entries.delete(name);
      for (const model of loaded.values()) this.retire(model);
      this.say(`model ${name} is gone`);
    }
    // An ensemble loads when the models that it chains are there.
    for (const isEnsemble of [false, true])
      for (const model of models.filter(({ config }) => (config.ensemble !== null) === isEnsemble))
        await this.refreshModel(model, patient);
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name) ?? { loaded: new Map<string, ServedModel>(), problem: null };
    this.entries.set(name, entry);
    return entry;
  }

  private async refreshModel(folder: ModelFolder, patient: boolean): Promise<void> {
    const { name, versions } = folder;
    const entry = this.entry(name);
    let complete = versions.length > 0;
    for (const version of versions)
      complete = (await this.refreshVersion(folder, version, entry, patient)) && complete;
    if (versions.length === 0) entry.problem = 'its version_policy asks for versions that are not there';
    if (!complete) return;
    entry.problem = null;
    for (const [version, model] of entry.loaded) {
      if (versions.some((wanted) => wanted.version === version)) continue;
      entry.loaded.delete(version);
      this.retire(model);
    }
  }

  /** Whether the version is served as it lies there. */
  private async refreshVersion(
    { name, config }: ModelFolder,
    folder: VersionFolder,
    entry: Entry,
    patient: boolean,
  ): Promise<boolean> {
    const { version, fingerprint } = folder;
    const key = `${name}/${version}`;
    const old = entry.loaded.get(version);
    if (old?.fingerprint === fingerprint && !old.isBroken) return true;
    // An ensemble may load without having changed: when its models do.
    const waits = patient && config.ensemble === null;
    if (waits && this.bad.get(key) === fingerprint) return false;
    if (waits && this.fresh.get(key) !== fingerprint) {
      this.fresh.set(key, fingerprint);
      return false;
    }
    try {
      const model = config.ensemble
        ? ServedEnsemble.load(name, folder, config, config.ensemble, this)
        : await OnnxModel.load(name, folder, config, this.settings);
      entry.loaded.set(version, model);
      if (old) this.retire(old);
      this.bad.delete(key);
      this.say(`model ${name}: version ${version} is loaded`);
      return true;
    } catch (error) {
      this.bad.set(key, fingerprint);
      const problem = error instanceof Error ? error.message : String(error);
      const isKnown = config.ensemble !== null && entry.problem === problem;
      entry.problem = problem;
      const kept = entry.loaded.size > 0 ? `; version ${this.versions(name)[0]} stays` : '';
      if (!isKnown) this.warn(`model ${name}: version ${version} does not load: ${problem}${kept}`);
      return false;
    }
  }
}
