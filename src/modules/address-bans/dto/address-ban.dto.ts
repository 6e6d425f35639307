import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { AddressBan } from '../address-bans.repository.js';

@ApiSchema({ name: 'AddressBan' })
export class AddressBanDto {
  @ApiProperty({ format: 'uuid', example: '5f8c5d3e-4f0e-4a59-9d0c-6b1f3c1f5a10' })
  id!: string;

  @ApiProperty({
    description: 'What is banned: an IPv4 address, or the /64 of an IPv6 address',
    example: '203.0.113.5/32',
  })
  address!: string;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Wrong keys in ten minutes', example: 20 })
  failures!: number;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ format: 'date-time', example: '2026-01-31T12:15:00.000Z' })
  expires_at!: string;

  static of(this: void, ban: AddressBan): AddressBanDto {
    return {
      id: ban.id,
      address: ban.network,
      failures: ban.failures,
      created_at: ban.createdAt.toISOString(),
      expires_at: ban.expiresAt.toISOString(),
    };
  }
}
