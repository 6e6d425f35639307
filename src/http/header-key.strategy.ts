import { Injectable, type Type } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { HeaderAPIKeyStrategy } from 'passport-headerapikey';
import { ApiKeyVerifier } from './api-key-verifier.js';
import type { Principal } from './request-context.js';

/** A strategy that takes the API key from a header. */
export function headerKeyStrategy(name: string, header: string, prefix: string): Type {
  @Injectable()
  class HeaderKeyStrategy extends PassportStrategy(HeaderAPIKeyStrategy, name) {
    constructor(private readonly verifier: ApiKeyVerifier) {
      super({ header, prefix }, false);
    }

    validate(key: string): Promise<Principal | null> {
      return this.verifier.verify(key);
    }
  }
  return HeaderKeyStrategy;
}
