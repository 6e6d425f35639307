import { ApiProperty } from '@nestjs/swagger';
import type { LeakOutcome } from '../../provisioning/tenancy/leaks/leak-judgement.js';
import type { LeakReport } from '../../provisioning/tenancy/leaks/leak-report.js';

const DOORS = ['own_login', 'sql_endpoint', 'readonly_login', 'app_with_tenant', 'app_session'];
const OUTCOMES = ['safe', 'blocked', 'leak', 'broken'] as const satisfies readonly LeakOutcome[];

/** One attack at one door. */
export class LeakFindingDto {
  @ApiProperty({
    description:
      "`own_login`: tenants' own logins, through the pooler. `sql_endpoint`: as POST /api/tenants/:id/sql. `readonly_login`: the host's `_readonly` role. `app_with_tenant`: the `_app` role, both tenants with `withTenant`. `app_session`: the `_app` role, where the first one uses the connection without it.",
    enum: DOORS,
    enumName: 'LeakDoor',
    example: 'app_session',
  })
  door!: string;

  @ApiProperty({ description: 'What the first tenant did', example: 'cursor WITH HOLD' })
  attack!: string;

  @ApiProperty({
    description:
      "`blocked`: nothing of it was let through. `safe`: it was, and showed nothing. `leak`: one of the two saw the other's row. `broken`: the second one could not read its own row, or found it changed.",
    enum: OUTCOMES,
    enumName: 'LeakOutcome',
    example: 'safe',
  })
  outcome!: LeakOutcome;

  @ApiProperty({
    description: 'What happened, for people',
    example: 'B saw its own row only, on the server connection that A had used.',
  })
  detail!: string;

  @ApiProperty({
    description: 'Whether the same server process worked for both (`pg_backend_pid`)',
    example: true,
  })
  shared_connection!: boolean;
}

export class SkippedDoorDto {
  @ApiProperty({ enum: DOORS, enumName: 'LeakDoor', example: 'app_session' })
  door!: string;

  @ApiProperty({ example: "Rowhouse does not know the password of the host's _app role." })
  reason!: string;
}

/** What a leak self-test found. */
export class LeakReportDto {
  @ApiProperty({
    description: 'Whether no attack at any door that was tried ended as `leak` or `broken`',
    example: true,
  })
  passed!: boolean;

  @ApiProperty({ type: [LeakFindingDto] })
  findings!: LeakFindingDto[];

  @ApiProperty({
    type: [SkippedDoorDto],
    description: 'Doors that could not be tried; `passed` says nothing of them',
    example: [],
  })
  skipped!: SkippedDoorDto[];

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'Server processes that worked for the two tenants; through the pooler one at a time',
    example: 61,
  })
  connections!: number;
}

export function toLeakReportDto({ passed, findings, skipped, connections }: LeakReport): LeakReportDto {
  return {
    passed,
    findings: findings.map(({ sharedConnection, ...finding }) => ({
      ...finding,
      shared_connection: sharedConnection,
    })),
    skipped: [...skipped],
    connections,
  };
}
