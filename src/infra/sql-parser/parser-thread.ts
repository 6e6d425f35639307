import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { ParseResult } from 'libpg-query';

const PARSER = createRequire(import.meta.url).resolve('libpg-query');
const TIMEOUT_MS = 10_000;
/** A parse of a megabyte leaves the parser with 230 MB, which it never gives back by itself. */
const IDLE_MS = 30_000;

export type ParserAnswer =
  | { readonly tree: ParseResult }
  /** `position`: how many characters stand before the error. */
  | { readonly syntaxError: { readonly message: string; readonly position: number } };

/** The text is nested too deep, or takes the parser too long. */
export class ParserOverwhelmed extends Error {}

/** As JSON, since the structured clone of a deep tree overflows the stack of whoever receives it. */
type Message =
  | { tree: string }
  | { syntaxError: { message: string; position: number } }
  | { failure: string };

const SOURCE = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { parse, hasSqlDetails } = require(workerData);
  const answer = async (sql) => {
    try {
      return { tree: JSON.stringify(await parse(sql)) };
    } catch (error) {
      if (!hasSqlDetails(error)) return { failure: String(error) };
      return { syntaxError: { message: error.message, position: error.sqlDetails.cursorPosition } };
    }
  };
  parentPort.on('message', async (sql) => parentPort.postMessage(await answer(sql)));`;

/**
 * PostgreSQL's own parser, as WebAssembly, in a thread of its own: a text that overflows the stack leaves the module
 * broken, so that later calls fail or never return, and then a thread can be thrown away. Nor do large texts hold up
 * the requests of others.
 */
export class ParserThread {
  private worker: Worker | null = null;
  private tail: Promise<unknown> = Promise.resolve();
  private idle: NodeJS.Timeout | null = null;

  /** One text after the other. Throws ParserOverwhelmed. */
  parse(sql: string): Promise<ParserAnswer> {
    const answer = this.tail.then(() => this.askOrDiscard(sql));
    this.tail = answer.catch(() => {});
    return answer;
  }

  async stop(): Promise<void> {
    if (this.idle) clearTimeout(this.idle);
    const { worker } = this;
    this.worker = null;
    await worker?.terminate();
  }

  private async askOrDiscard(sql: string): Promise<ParserAnswer> {
    if (this.idle) clearTimeout(this.idle);
    try {
      return await this.ask(sql);
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      this.idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
    }
  }

  private ask(sql: string): Promise<ParserAnswer> {
    this.worker ??= new Worker(SOURCE, { eval: true, workerData: PARSER });
    return awaitAnswer(this.worker, sql);
  }
}

function awaitAnswer(worker: Worker, sql: string): Promise<ParserAnswer> {
  const listening = new AbortController();
  const answer = new Promise<ParserAnswer>((resolve, reject) => {
    const give = (message: Message) => {
      if ('failure' in message) fail(new ParserOverwhelmed(message.failure));
      else if ('tree' in message) resolve({ tree: JSON.parse(message.tree) });
      else resolve(message);
    };
    const fail = (error: Error) => reject(error);
    const end = () => fail(new ParserOverwhelmed('the parser ended'));
    const timer = setTimeout(() => fail(new ParserOverwhelmed('the parser takes too long')), TIMEOUT_MS);
    worker.on('message', give).on('error', fail).on('exit', end);
    listening.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      worker.off('message', give).off('error', fail).off('exit', end);
      worker.unref();
    });
    worker.ref();
    worker.postMessage(sql);
  });
  return answer.finally(() => listening.abort());
}
