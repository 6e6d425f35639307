import { ApiProperty, ApiSchema } from '@nestjs/swagger';

@ApiSchema({ name: 'Health' })
export class HealthDto {
  @ApiProperty({ type: String, enum: ['ok'], example: 'ok' })
  status!: 'ok';

  @ApiProperty({ format: 'date-time', example: '2030-01-31T12:00:00.000Z' })
  timestamp!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;
}

@ApiSchema({ name: 'HealthPart' })
export class HealthPartDto {
  @ApiProperty({ description: 'What was asked', example: 'control database' })
  name!: string;

  @ApiProperty({
    description: '`off`: not configured',
    enum: ['up', 'down', 'off'],
    enumName: 'HealthPartStatus',
    example: 'up',
  })
  status!: 'up' | 'down' | 'off';

  @ApiProperty({ description: 'Whether Rowhouse cannot serve without it', example: true })
  needed!: boolean;

  @ApiProperty({ type: Number, nullable: true, description: 'How long the answer took', example: 1.2 })
  latency_ms!: number | null;

  @ApiProperty({ type: String, nullable: true, description: 'Why it is not up', example: null })
  reason!: string | null;

  @ApiProperty({
    type: String,
    required: false,
    description:
      'What operators should know of it although it may be up, such as a known vulnerability; does not decide',
    example: 'CVE-2026-107350, fixed in 1.26.1',
  })
  notice?: string;
}

@ApiSchema({ name: 'HealthCertificate' })
export class HealthCertificateDto {
  @ApiProperty({
    description: 'The port that shows it: PostgreSQL (direct), PgBouncer (pooled), or the API itself',
    enum: ['postgres', 'pgbouncer', 'api'],
    enumName: 'CertificateEndpoint',
    example: 'postgres',
  })
  endpoint!: 'postgres' | 'pgbouncer' | 'api';

  @ApiProperty({
    description:
      '`expiring`: less than 14 days left; `expired`: clients that verify it refuse it; ' +
      '`off`: no TLS is offered; `unknown`: nobody answered',
    enum: ['ok', 'expiring', 'expired', 'off', 'unknown'],
    enumName: 'CertificateStatus',
    example: 'ok',
  })
  status!: 'ok' | 'expiring' | 'expired' | 'off' | 'unknown';

  @ApiProperty({ type: String, nullable: true, example: 'CN=db.example.com' })
  subject!: string | null;

  @ApiProperty({ type: String, nullable: true, example: "C=US, O=Let's Encrypt, CN=E7" })
  issuer!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Hexadecimal', example: '05F2A6B1C3' })
  serial!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2030-04-30T12:00:00.000Z' })
  not_after!: string | null;

  @ApiProperty({
    type: Number,
    nullable: true,
    description: 'Whole days until `not_after`; negative afterwards',
    example: 89,
  })
  days_left!: number | null;

  @ApiProperty({ type: String, nullable: true, description: 'Why it is unknown', example: null })
  reason!: string | null;
}

@ApiSchema({ name: 'Readiness' })
export class ReadinessDto {
  @ApiProperty({ enum: ['ready', 'unavailable'], enumName: 'ReadinessStatus', example: 'ready' })
  status!: 'ready' | 'unavailable';

  @ApiProperty({ format: 'date-time', example: '2030-01-31T12:00:00.000Z' })
  timestamp!: string;

  @ApiProperty({ type: [HealthPartDto] })
  parts!: HealthPartDto[];

  @ApiProperty({
    type: [HealthCertificateDto],
    description: 'What clients are shown now; remembered for 5 seconds. They do not decide about `status`.',
  })
  certificates!: HealthCertificateDto[];
}
