import { Module } from '@nestjs/common';
import { ResealJob } from './reseal-job.js';
import { ResealingModule } from './resealing.module.js';

/** The life of ENCRYPTION_KEY: which key sealed what, and the way from a former one to the present one. */
@Module({ imports: [ResealingModule], providers: [ResealJob] })
export class EncryptionModule {}
