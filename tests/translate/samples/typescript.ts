import { EventEmitter } from "node:events";
import { readFile } from "node:fs/promises";

/** What a queue does with a job that has failed for the last time. */
export type DeadLetterPolicy = "drop" | "keep" | "throw";

export interface JobOptions<TPayload> {
  /** Runs at most this many times; 1 means no retry. */
  attempts?: number;
  /** Milliseconds before the first retry; doubled for each further one. */
  backoff?: number;
  priority?: number;
  onProgress?: (done: number, total: number, payload: Readonly<TPayload>) => void;
}

interface StoredJob<TPayload> extends Required<Omit<JobOptions<TPayload>, "onProgress">> {
  readonly id: string;
  readonly payload: TPayload;
  attemptsMade: number;
  notBefore: number;
}

export type Handler<TPayload, TResult> = (payload: TPayload, signal: AbortSignal) => Promise<TResult>;

const DEFAULTS = { attempts: 3, backoff: 250, priority: 0 } as const satisfies JobOptions<never>;

export class QueueClosedError extends Error {
  override readonly name = "QueueClosedError";

  constructor(readonly queueName: string) {
    super(`The queue "${queueName}" has been closed and takes no more jobs.`);
  }
}

/** Jobs in memory, worked on by a few workers at a time, the most urgent first. */
export class JobQueue<TPayload extends object, TResult = void> extends EventEmitter {
  #jobs: StoredJob<TPayload>[] = [];
  #running = new Map<string, AbortController>();
  #closed = false;
  #nextId = 0;

  constructor(
    public readonly name: string,
    private readonly handler: Handler<TPayload, TResult>,
    private readonly concurrency = 4,
    private readonly deadLetters: DeadLetterPolicy = "keep",
  ) {
    super();
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new RangeError(`concurrency must be a positive integer, not ${concurrency}`);
    }
  }

  get size(): number {
    return this.#jobs.length + this.#running.size;
  }

  add(payload: TPayload, options: JobOptions<TPayload> = {}): string {
    if (this.#closed) throw new QueueClosedError(this.name);
    const { attempts, backoff, priority } = { ...DEFAULTS, ...options };
    const id = `${this.name}:${(this.#nextId++).toString(36)}`;
    this.#jobs.push({ id, payload, attempts, backoff, priority, attemptsMade: 0, notBefore: 0 });
    this.#jobs.sort((a, b) => b.priority - a.priority || a.notBefore - b.notBefore);
    queueMicrotask(() => this.#fill());
    return id;
  }

  cancel(id: string): boolean {
    const waiting = this.#jobs.findIndex((job) => job.id === id);
    if (waiting !== -1) {
      this.#jobs.splice(waiting, 1);
      return true;
    }
    const controller = this.#running.get(id);
    controller?.abort(new DOMException("The job was cancelled.", "AbortError"));
    return controller !== undefined;
  }

  async close({ drain = true }: { drain?: boolean } = {}): Promise<void> {
    this.#closed = true;
    if (!drain) {
      for (const controller of this.#running.values()) controller.abort();
      this.#jobs.length = 0;
    }
    while (this.size > 0) {
      await new Promise<void>((resolve) => this.once("settled", () => resolve()));
    }
  }

  #fill(): void {
    const now = Date.now();
    while (this.#running.size < this.concurrency) {
      const index = this.#jobs.findIndex((job) => job.notBefore <= now);
      if (index === -1) break;
      const [job] = this.#jobs.splice(index, 1);
      if (job) void this.#run(job);
    }
  }

  async #run(job: StoredJob<TPayload>): Promise<void> {
    const controller = new AbortController();
    this.#running.set(job.id, controller);
    job.attemptsMade += 1;
    try {
      const result = await this.handler(job.payload, controller.signal);
      this.emit("completed", job.id, result);
    } catch (error: unknown) {
      if (job.attemptsMade < job.attempts && !controller.signal.aborted) {
        this.#retryLater(job);
      } else {
        this.#giveUp(job, error instanceof Error ? error : new Error(String(error)));
      }
    } finally {
      this.#running.delete(job.id);
      this.emit("settled", job.id);
      this.#fill();
    }
  }

  #retryLater(job: StoredJob<TPayload>): void {
    const delay = job.backoff * 2 ** (job.attemptsMade - 1);
    job.notBefore = Date.now() + delay;
    this.#jobs.push(job);
    setTimeout(() => this.#fill(), delay).unref();
  }

  #giveUp(job: StoredJob<TPayload>, cause: Error): void {
    switch (this.deadLetters) {
      case "drop":
        return;
      case "keep":
        this.emit("dead", job.id, job.payload, cause);
        return;
      case "throw":
        throw new AggregateError([cause], `${job.id} failed ${job.attemptsMade} times`, { cause });
    }
  }
}

type Settings = Record<string, string | number | boolean | null | undefined>;

/** Reads `key = value` lines; comments begin with a hash. */
export async function readSettings(path: string, encoding: BufferEncoding = "utf8"): Promise<Settings> {
  const settings: Settings = {};
  for (const [index, rawLine] of (await readFile(path, encoding)).split(/\r?\n/).entries()) {
    const line = rawLine.replace(/#.*$/, "").trim();
    if (line === "") continue;
    const match = /^(?<key>[A-Za-z_][\w.-]*)\s*=\s*(?<value>.*)$/.exec(line);
    if (!match?.groups) throw new SyntaxError(`${path}:${index + 1}: expected "key = value", got ${JSON.stringify(line)}`);
    const { key, value } = match.groups as { key: string; value: string };
    settings[key] = parseValue(value);
  }
  return settings;
}

function parseValue(text: string): Settings[string] {
  if (text === "true" || text === "false") return text === "true";
  if (text === "null" || text === "") return null;
  const number = Number(text);
  return Number.isNaN(number) ? text.replace(/^(["'])(.*)\1$/, "$2") : number;
}

export function groupBy<T, K extends PropertyKey>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key) ?? [];
    group.push(item);
    groups.set(key, group);
  }
  return groups;
}
