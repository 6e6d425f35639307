import { ApiProperty, ApiSchema } from '@nestjs/swagger';

@ApiSchema({ name: 'Root' })
export class RootDto {
  @ApiProperty({ type: String, enum: ['rowhouse'], example: 'rowhouse' })
  name!: 'rowhouse';

  @ApiProperty({ description: 'Where the API begins; it needs a key', example: '/api' })
  api!: string;

  @ApiProperty({ description: 'Swagger UI', example: '/docs' })
  docs!: string;

  @ApiProperty({ description: 'The OpenAPI description', example: '/docs-json' })
  openapi!: string;

  @ApiProperty({ description: 'Whether the process lives', example: '/health' })
  health!: string;

  @ApiProperty({ description: 'Whether every part answers', example: '/health/ready' })
  readiness!: string;
}
