import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Node, ParseResult } from 'libpg-query';
import { ParserOverwhelmed, ParserThread } from './parser-thread.js';
import { blankLength, SqlText, type TextPlace } from './sql-text.js';

export interface SqlStatement {
  /** The name of the node in PostgreSQL's grammar: `CreateStmt`. */
  readonly type: string;
  readonly node: Node;
  /** Without comments before it and without its semicolon. */
  readonly text: string;
  readonly place: TextPlace;
}

export interface SqlScript {
  readonly text: SqlText;
  readonly statements: readonly SqlStatement[];
}

export class SqlSyntaxError extends Error {
  constructor(
    /** As PostgreSQL says it. */
    message: string,
    readonly place: TextPlace,
  ) {
    super(message);
    this.name = 'SqlSyntaxError';
  }
}

/** Reads SQL as PostgreSQL 17 does: syntax that only a newer server knows is refused. */
@Injectable()
export class SqlParser implements OnApplicationShutdown {
  private readonly thread = new ParserThread();

  async onApplicationShutdown(): Promise<void> {
    await this.thread.stop();
  }

  /** Throws SqlSyntaxError. */
  async parse(sql: string): Promise<SqlScript> {
    const text = new SqlText(sql);
    if (blankLength(sql) === sql.length) return { text, statements: [] };
    const tree = await this.treeOf(text);
    return { text, statements: (tree.stmts ?? []).map((raw) => toStatement(text, raw)) };
  }

  private async treeOf(text: SqlText): Promise<ParseResult> {
    try {
      const answer = await this.thread.parse(text.text);
      if ('tree' in answer) return answer.tree;
      const { message, position } = answer.syntaxError;
      throw new SqlSyntaxError(message, text.placeOfCharacter(position));
    } catch (error) {
      if (!(error instanceof ParserOverwhelmed)) throw error;
      throw new SqlSyntaxError('too large, or nested too deep, for the parser', { line: 1, column: 1 });
    }
  }
}

type RawStatement = NonNullable<ParseResult['stmts']>[number];

function toStatement(text: SqlText, raw: RawStatement): SqlStatement {
  const { stmt = {} as Node, stmt_location: start = 0, stmt_len: length = 0 } = raw;
  // Of the last statement without a semicolon, no length is given.
  const whole = text.slice(start, length === 0 ? text.byteLength : start + length);
  const blank = whole.slice(0, blankLength(whole));
  return {
    type: Object.keys(stmt)[0] ?? '',
    node: stmt,
    text: whole.slice(blank.length).trimEnd(),
    place: text.placeOfByte(start + Buffer.byteLength(blank)),
  };
}
