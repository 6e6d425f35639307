import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { ListQuery } from '../../../http/pagination.js';
import {
  MIGRATION_STATES,
  type MigrationState,
  TENANT_RESULTS,
  type TenantResultState,
} from '../migration-state.js';

export class ListMigrationsQuery extends ListQuery {
  @ApiPropertyOptional({ description: 'Only those of this template.', format: 'uuid' })
  @IsOptional()
  @IsUUID(undefined, { message: 'templateId must be a UUID' })
  templateId?: string;

  @ApiPropertyOptional({
    description: 'Only those in this state.',
    enum: MIGRATION_STATES,
    enumName: 'MigrationState',
  })
  @IsOptional()
  @IsIn(MIGRATION_STATES, { message: `state must be one of ${MIGRATION_STATES.join(', ')}` })
  state?: MigrationState;
}

export class ListMigrationTenantsQuery extends ListQuery {
  @ApiPropertyOptional({
    description: 'Only those with this result.',
    enum: TENANT_RESULTS,
    enumName: 'MigrationTenantState',
  })
  @IsOptional()
  @IsIn(TENANT_RESULTS, { message: `state must be one of ${TENANT_RESULTS.join(', ')}` })
  state?: TenantResultState;
}
