import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Client, DatabaseError } from 'pg';

/** The part of node-postgres' protocol connection that is used here; its types leave it out. */
export interface Wire extends EventEmitter {
  readonly stream: Duplex;
  parse(message: { text: string; name: string; types: number[] }): void;
  describe(message: { type: 'S'; name: string }): void;
  bind(message: { portal: string; statement: string; values: (string | null)[]; binary: false }): void;
  execute(message: { portal: string; rows: number }): void;
  sync(): void;
}

export interface WireField {
  readonly name: string;
  readonly dataTypeID: number;
  readonly dataTypeModifier: number;
}

/** Bytes that node-postgres holds of a message whose end has not come yet; `tooMuch` is called when they pass the limit. */
export function watchBuffer(client: Client, limit: number, tooMuch: () => void): void {
  const wire = wireOf(client);
  let held = 0;
  wire.on('message', ({ length }: { length: number }) => {
    held -= length + 1;
  });
  wire.stream.on('data', (chunk: Buffer) => {
    held += chunk.length;
    if (held > limit) tooMuch();
  });
}

/** COPY would wait for data, or send it past all limits. */
export function watchCopy(client: Client, begun: () => void): void {
  wireOf(client).once('copyInResponse', begun).once('copyOutResponse', begun);
}

/** What is still on its way stays there. */
export function stopReading(client: Client): void {
  wireOf(client).stream.pause();
}

/** Without a goodbye, for which a connection in the middle of an answer would have to read that first. */
export function cutOff(client: Client): void {
  wireOf(client).stream.destroy();
}

function wireOf(client: Client): Wire {
  return (client as unknown as { connection: Wire }).connection;
}

/** Some messages of the extended protocol (PostgreSQL manual, 55.2.3) up to Sync; node-postgres calls its methods. */
export abstract class Exchange<T> {
  readonly done: Promise<T>;
  private resolve: (result: T) => void = () => {};
  private reject: (error: Error) => void = () => {};

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.done.catch(() => {});
  }

  protected abstract send(wire: Wire): void;
  protected abstract result(): T;

  submit(wire: Wire): void {
    wire.stream.cork();
    this.send(wire);
    wire.sync();
    wire.stream.uncork();
  }

  handleError(error: DatabaseError | Error): void {
    this.reject(error);
  }

  handleReadyForQuery(): void {
    this.resolve(this.result());
  }

  handleRowDescription(_message: { fields: WireField[] }): void {}
  handleDataRow(_message: { fields: (string | null)[]; length: number }): void {}
  handlePortalSuspended(): void {}
  handleCommandComplete(_message: { text: string }): void {}
  handleEmptyQuery(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}
}

export interface Described {
  /** Object identifiers of the parameters' types. */
  readonly parameters: readonly number[];
  /** Empty for a statement that returns no rows. */
  readonly fields: readonly WireField[];
}

/** Parses one statement under a name, and asks what it takes and returns. Two statements are a syntax error. */
export class Preparation extends Exchange<Described> {
  private parameters: readonly number[] = [];
  private fields: readonly WireField[] = [];

  constructor(
    private readonly name: string,
    private readonly sql: string,
  ) {
    super();
  }

  override handleRowDescription({ fields }: { fields: WireField[] }): void {
    this.fields = fields;
  }

  protected send(wire: Wire): void {
    wire.once('parameterDescription', ({ dataTypeIDs }: { dataTypeIDs: number[] }) => {
      this.parameters = dataTypeIDs;
    });
    wire.parse({ name: this.name, text: this.sql, types: [] });
    wire.describe({ type: 'S', name: this.name });
  }

  protected result(): Described {
    return { parameters: this.parameters, fields: this.fields };
  }
}

/** One row as it came, and its size on the wire in bytes. */
export type TakeRow = (values: readonly (string | null)[], bytes: number) => void;

export interface Executed {
  /** The command tag, such as `INSERT 0 3`; null while there are more rows, and for an empty statement. */
  readonly tag: string | null;
  readonly isEmpty: boolean;
}

/** Fetches at most so many rows of a portal; the first time it also binds that to the statement and its parameters. */
export class Execution extends Exchange<Executed> {
  /** Whether PostgreSQL took the parameters; an error before that is one of them. */
  isBound: boolean;
  private tag: string | null = null;
  private isEmpty = false;

  constructor(
    private readonly rows: number,
    private readonly take: TakeRow,
    private readonly binding: { readonly statement: string; readonly values: (string | null)[] } | null,
  ) {
    super();
    this.isBound = binding === null;
  }

  override handleDataRow({ fields, length }: { fields: (string | null)[]; length: number }): void {
    this.take(fields, length);
  }

  override handleCommandComplete({ text }: { text: string }): void {
    this.tag = text;
  }

  override handleEmptyQuery(): void {
    this.isEmpty = true;
  }

  protected send(wire: Wire): void {
    if (this.binding) {
      wire.once('bindComplete', () => {
        this.isBound = true;
      });
      wire.bind({ portal: '', binary: false, ...this.binding });
    }
    wire.execute({ portal: '', rows: this.rows });
  }

  protected result(): Executed {
    return { tag: this.tag, isEmpty: this.isEmpty };
  }
}
