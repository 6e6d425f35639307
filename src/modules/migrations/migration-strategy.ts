import type { MigrationStrategyDto } from './dto/strategy.dto.js';
import type { MigrationStrategy } from './migration.js';

const USUAL: MigrationStrategy = {
  canary: 1,
  rings: [100],
  connections: 4,
  lockTimeoutMs: 2_000,
  statementTimeoutMs: 60_000,
  maxAttempts: 5,
  maxFailures: 0,
  pauseAfterCanary: false,
};

export function toStrategy(dto: MigrationStrategyDto = {}): MigrationStrategy {
  return {
    canary: dto.canary ?? USUAL.canary,
    rings: dto.rings ?? USUAL.rings,
    connections: dto.connections ?? USUAL.connections,
    lockTimeoutMs: dto.lockTimeoutMs ?? USUAL.lockTimeoutMs,
    statementTimeoutMs: dto.statementTimeoutMs ?? USUAL.statementTimeoutMs,
    maxAttempts: dto.maxAttempts ?? USUAL.maxAttempts,
    maxFailures: dto.maxFailures ?? USUAL.maxFailures,
    pauseAfterCanary: dto.pauseAfterCanary ?? USUAL.pauseAfterCanary,
  };
}
