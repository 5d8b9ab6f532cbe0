/** What a page keeps in the browser between visits: one IndexedDB store of named values. */

const DATABASE = 'selfie-onnx';
const STORE = 'kept';

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });

export class Storage {
  private constructor(private readonly database: IDBDatabase) {}

  static async open(): Promise<Storage> {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return new Storage(await settled(request));
  }

  async get<T>(name: string): Promise<T | undefined> {
    return (await settled(this.store('readonly').get(name))) as T | undefined;
  }

  /** Resolves when the value is kept. */
  async set(name: string, value: unknown): Promise<void> {
    const store = this.store('readwrite');
    store.put(value, name);
    await new Promise<void>((resolve, reject) => {
      store.transaction.oncomplete = () => resolve();
      store.transaction.onabort = () => reject(store.transaction.error ?? new Error('nothing was kept'));
    });
  }

  async clear(): Promise<void> {
    await settled(this.store('readwrite').clear());
  }

  private store(mode: IDBTransactionMode): IDBObjectStore {
    return this.database.transaction(STORE, mode).objectStore(STORE);
  }
}
