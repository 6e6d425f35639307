import { Injectable, type OnModuleInit } from '@nestjs/common';
import { applySettings } from './apply-settings.js';
import { claimDatabase, createDatabase } from './create-database.js';
import { deleteDatabase } from './delete-database.js';
import { HandlerTools } from './handler-tools.js';
import { installExtensions } from './install-extensions.js';
import { createShadow, dropShadow, resetShadow } from './shadow-database.js';
import { resumeDatabase, suspendDatabase } from './switch-logins.js';

const HANDLERS = [
  createDatabase,
  claimDatabase,
  applySettings,
  suspendDatabase,
  resumeDatabase,
  installExtensions,
  createShadow,
  resetShadow,
  dropShadow,
  deleteDatabase,
];

/** Tells the engine how each kind of database operation is done. */
@Injectable()
export class DatabaseOperations implements OnModuleInit {
  constructor(private readonly tools: HandlerTools) {}

  onModuleInit(): void {
    for (const handler of HANDLERS) this.tools.operations.register(handler(this.tools));
  }
}
