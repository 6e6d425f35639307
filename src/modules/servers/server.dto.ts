import { ApiProperty } from '@nestjs/swagger';
import type { RegisteredServer } from '../../provisioning/server-registry.js';

/** A PostgreSQL server with the PgBouncer in front of it. */
export class ServerDto {
  @ApiProperty({ format: 'uuid', example: '3f0c1f1e-6a39-4d0e-9d0c-5f3a7f6f0b11' })
  id!: string;

  @ApiProperty({ example: 'default' })
  name!: string;

  @ApiProperty({
    description: 'Whether it was reached and prepared; nothing is made on it before',
    example: true,
  })
  ready!: boolean;

  @ApiProperty({ description: 'The direct port’s host, as Rowhouse reaches it', example: '127.0.0.1' })
  host!: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: 65_535, example: 5432 })
  port!: number;

  @ApiProperty({ type: String, nullable: true, description: 'Null without a pooler', example: '127.0.0.1' })
  pooler_host!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 6432 })
  pooler_port!: number | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Null until it was reached, like everything below',
    example: '15.18',
  })
  server_version!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '1.18.0' })
  pooler_version!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'What the server has in all', example: 300 })
  max_connections!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Kept for superusers', example: 3 })
  reserved_connections!: number | null;
}

export function toServerDto({ id, name, config, server }: RegisteredServer): ServerDto {
  return {
    id,
    name,
    ready: server !== null,
    host: config.host,
    port: config.port,
    pooler_host: config.pooler?.host ?? null,
    pooler_port: config.pooler?.port ?? null,
    server_version: server ? describeVersion(server.facts.serverVersionNum) : null,
    pooler_version: server?.facts.poolerVersion ?? null,
    max_connections: server?.facts.maxConnections ?? null,
    reserved_connections: server?.facts.reservedConnections ?? null,
  };
}

/** 150018 is 15.18. */
function describeVersion(number: number): string {
  return `${Math.floor(number / 10_000)}.${number % 10_000}`;
}
