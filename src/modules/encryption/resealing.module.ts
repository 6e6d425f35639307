import { Module } from '@nestjs/common';
import { Resealer } from './resealer.js';
import { SealedSecretsRepository } from './sealed-secrets.repository.js';

/** The resealing itself, for whoever asks; the job that does it by itself is beside it. */
@Module({ providers: [Resealer, SealedSecretsRepository], exports: [Resealer] })
export class ResealingModule {}
