import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CredentialTools } from './credential-tools.js';
import { endOverlap, rotate } from './rotate.js';

/** Tells the engine how passwords are rotated, and how an overlap ends. */
@Injectable()
export class CredentialOperations implements OnModuleInit {
  constructor(private readonly tools: CredentialTools) {}

  onModuleInit(): void {
    for (const type of ['database', 'tenant'] as const) {
      this.tools.operations.register(rotate(type, this.tools));
      this.tools.operations.register(endOverlap(type, this.tools));
    }
  }
}
