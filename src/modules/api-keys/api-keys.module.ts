import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ApiKeyVerifier } from '../../http/api-key-verifier.js';
import { AdminKey } from './admin-key.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { KeyUses } from './key-uses.js';
import { StoredKeyVerifier } from './stored-key-verifier.js';
import { VerifiedKeys } from './verified-keys.js';

/** Global, since the guards of the HTTP layer verify keys through it. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([ApiKeyEntity])],
  controllers: [ApiKeysController],
  providers: [
    AdminKey,
    ApiKeysRepository,
    ApiKeysService,
    KeyUses,
    StoredKeyVerifier,
    VerifiedKeys,
    { provide: ApiKeyVerifier, useExisting: StoredKeyVerifier },
  ],
  exports: [AdminKey, ApiKeysService, ApiKeyVerifier],
})
export class ApiKeysModule {}
