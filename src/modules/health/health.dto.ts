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
}

@ApiSchema({ name: 'Readiness' })
export class ReadinessDto {
  @ApiProperty({ enum: ['ready', 'unavailable'], enumName: 'ReadinessStatus', example: 'ready' })
  status!: 'ready' | 'unavailable';

  @ApiProperty({ format: 'date-time', example: '2030-01-31T12:00:00.000Z' })
  timestamp!: string;

  @ApiProperty({ type: [HealthPartDto] })
  parts!: HealthPartDto[];
}
