import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { ListQuery } from '../../../http/pagination.js';
import { DATABASE_STATUSES, type DatabaseStatus } from '../database-status.js';

export const DATABASE_SORTS = ['created_at', '-created_at', 'friendly_name', '-friendly_name'] as const;
export type DatabaseSort = (typeof DATABASE_SORTS)[number];

export class ListDatabasesQuery extends ListQuery {
  @ApiPropertyOptional({
    description: 'Only those in this status.',
    enum: DATABASE_STATUSES,
    enumName: 'DatabaseStatus',
  })
  @IsOptional()
  @IsIn(DATABASE_STATUSES, { message: `status must be one of ${DATABASE_STATUSES.join(', ')}` })
  status?: DatabaseStatus;

  @ApiPropertyOptional({
    description: 'Only those of this owner, whatever the case.',
    example: 'ops@example.com',
  })
  @IsOptional()
  @IsString({ message: 'ownerEmail must be a string' })
  @Length(1, 254, { message: 'ownerEmail must have 1 to 254 characters' })
  ownerEmail?: string;

  @ApiPropertyOptional({
    description:
      'Only those whose friendly name, database name or owner contains this text, whatever the case.',
    example: 'shop',
  })
  @IsOptional()
  @IsString({ message: 'search must be a string' })
  @Length(1, 100, { message: 'search must have 1 to 100 characters' })
  search?: string;

  @ApiPropertyOptional({
    description: 'The order; a minus turns it round. A cursor holds for the order it was made in.',
    enum: DATABASE_SORTS,
    default: '-created_at',
  })
  @IsOptional()
  @IsIn(DATABASE_SORTS, { message: `sort must be one of ${DATABASE_SORTS.join(', ')}` })
  sort: DatabaseSort = '-created_at';
}
