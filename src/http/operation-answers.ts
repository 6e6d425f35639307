import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { notFound } from '../kernel/errors.js';
import type { StoredAnswer } from './idempotency.store.js';

interface OperationRow {
  id: string;
  state: string;
  [field: string]: unknown;
}

const FIND = `
  SELECT id, kind, subject_type, subject_id, state, step, progress, attempts, cancel_requested,
         error, result, created_at, started_at, finished_at, deadline_at
  FROM operations WHERE id = $1`;

/** What to answer a client whose first request died after it had started an operation: where that stands now. */
@Injectable()
export class OperationAnswers {
  constructor(private readonly control: DataSource) {}

  async get(id: string): Promise<StoredAnswer> {
    const [operation]: OperationRow[] = await this.control.query(FIND, [id]);
    if (!operation) throw notFound('operation', id);
    return {
      status: 202,
      headers: { Location: `/api/operations/${id}` },
      body: { success: true, message: 'The first answer was lost; this is its operation.', data: operation },
    };
  }
}
