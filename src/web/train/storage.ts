/**
 * What a page keeps in the browser between visits: named values in one IndexedDB store. Where the browser keeps nothing (it is
 * full, blocked, absent, damaged, or does not answer), they live as long as the page does, and the person is told.
 */
import { messageOf } from '../common/words';

const DATABASE = 'selfie-onnx';
const STORE = 'kept';

/** The longest that an answer is waited for, milliseconds. */
export interface Patience {
  readonly open: number;
  readonly answer: number;
}
const PATIENCE: Patience = { open: 10_000, answer: 120_000 };

/** In words, by the names of DOMException. */
const REASONS: Readonly<Record<string, string>> = {
  QuotaExceededError: 'its storage is full',
  SecurityError: 'it blocks site data',
  NotAllowedError: 'it blocks site data',
  TimeoutError: 'its storage does not answer',
};

/** What the browser does not keep. */
export interface Problem {
  readonly reason: string;
  /** values that live in the page alone */
  readonly names: readonly string[];
}

const nameOf = (error: unknown) =>
  typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';

/** `begin` settles the promise, or it is rejected after `patience` milliseconds. */
function within<T>(
  patience: number,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const late = Object.assign(new Error('no answer'), { name: 'TimeoutError' });
    const timer = setTimeout(() => reject(late), patience);
    const settle = <V>(then: (value: V) => void) => {
      return (value: V) => {
        clearTimeout(timer);
        then(value);
      };
    };
    begin(settle(resolve), settle(reject));
  });
}

const settled = <T>(request: IDBRequest<T>, patience: number): Promise<T> =>
  within(patience, (resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });

export class Storage {
  /** What the browser did not keep. */
  private readonly here = new Map<string, unknown>();
  private database: Promise<IDBDatabase> | null = null;
  /** why no further try is made */
  private refused: string | null = null;

  /**
   * @param tell hears what is not kept; null when all of it is again
   * @param factory the browser's IndexedDB; reading it can throw
   */
  constructor(
    private readonly tell: (problem: Problem | null) => void,
    private readonly factory: () => IDBFactory | null | undefined = () => globalThis.indexedDB,
    private readonly patience: Patience = PATIENCE,
  ) {}

  /** Undefined for what is not kept, and for what cannot be read. */
  async get(name: string): Promise<unknown> {
    if (this.here.has(name)) return this.here.get(name);
    try {
      return await settled((await this.store('readonly')).get(name), this.patience.answer);
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Resolves when the value is kept, in the page at least. */
  async set(name: string, value: unknown): Promise<void> {
    this.here.set(name, value);
    try {
      const store = await this.store('readwrite');
      await within<null>(this.patience.answer, (resolve, reject) => {
        store.put(value, name);
        const { transaction } = store;
        transaction.oncomplete = () => resolve(null);
        transaction.onabort = () => reject(transaction.error ?? new Error('nothing was kept'));
      });
      this.here.delete(name);
      if (this.here.size === 0) this.tell(null);
    } catch (error) {
      this.fail(error);
    }
  }

  async clear(): Promise<void> {
    this.here.clear();
    try {
      await settled((await this.store('readwrite')).clear(), this.patience.answer);
      this.tell(null);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Opens the database where it is not, and again where the browser closed it. */
  private async store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
    if (this.refused !== null) throw new Error(this.refused);
    const open = (this.database ??= this.open());
    const database = await open;
    try {
      return database.transaction(STORE, mode).objectStore(STORE);
    } catch {
      this.database = this.open();
      return (await this.database).transaction(STORE, mode).objectStore(STORE);
    }
  }

  private async open(): Promise<IDBDatabase> {
    try {
      const factory = this.factory();
      if (!factory) throw new Error('it has no IndexedDB');
      const request = factory.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      const database = await settled(request, this.patience.open);
      // another page that wants to delete the database does not wait for this one
      database.onversionchange = () => database.close();
      return database;
    } catch (error) {
      // so do browsers that block site data
      this.refused = nameOf(error) === 'InvalidStateError' ? REASONS.SecurityError : reasonOf(error);
      throw error;
    }
  }

  private fail(error: unknown): void {
    const reason = this.refused ?? reasonOf(error);
    if (reason === REASONS.TimeoutError) this.refused = reason;
    this.tell({ reason, names: [...this.here.keys()] });
  }
}

function reasonOf(error: unknown): string {
  return REASONS[nameOf(error)] ?? messageOf(error).replace(/\.$/, '');
}
