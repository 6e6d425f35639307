import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { FINDINGS, type FindingKind } from '../../provisioning/reconciliation/finding.js';
import type { ReconciliationReport, ReportedFinding } from '../../provisioning/reconciliation/reconciler.js';

const REPAIRS = ['done', 'failed', 'needed', 'none'] as const satisfies readonly ReportedFinding['repair'][];

export class ReconcileServerDto {
  @ApiPropertyOptional({
    description:
      'Whether roles, grants, limits and pooler entries are mended. Nothing is dropped in either case; without it the answer is a report only.',
    default: false,
    example: false,
  })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  repair?: boolean;
}

export class ReconciliationFindingDto {
  @ApiProperty({
    enum: Object.keys(FINDINGS),
    enumName: 'ReconciliationFindingKind',
    description: Object.entries(FINDINGS)
      .map(([kind, meaning]) => `\`${kind}\`: ${meaning}.`)
      .join(' '),
    example: 'role_drifted',
  })
  kind!: FindingKind;

  @ApiProperty({ description: 'The database, role or pooler entry', example: 'user_0a1b2c3d' })
  name!: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'The database that it belongs to',
    example: '1b4e28ba-2fa1-41d2-883f-0016d3cca427',
  })
  database_id!: string | null;

  @ApiProperty({ example: 'Its connection limit is 50, the row says 20.' })
  detail!: string;

  @ApiProperty({
    enum: REPAIRS,
    enumName: 'ReconciliationRepair',
    description: '`needed`: a repair would mend it. `none`: a person has to decide.',
    example: 'needed',
  })
  repair!: ReportedFinding['repair'];
}

/** What differs between the control database and a server. */
export class ReconciliationReportDto {
  @ApiProperty({ type: 'integer', minimum: 0, description: 'Databases on the server', example: 12 })
  databases!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Roles on the server', example: 30 })
  roles!: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Entries of the pooler; null where they are not Rowhouse’s',
    example: 11,
  })
  aliases!: number | null;

  @ApiProperty({ type: [ReconciliationFindingDto] })
  findings!: ReconciliationFindingDto[];
}

export function toReportDto({
  databases,
  roles,
  aliases,
  findings,
}: ReconciliationReport): ReconciliationReportDto {
  return {
    databases,
    roles,
    aliases,
    findings: findings.map(({ databaseId, ...finding }) => ({ ...finding, database_id: databaseId })),
  };
}
