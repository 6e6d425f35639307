import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional } from 'class-validator';
import type { Access } from '../../../provisioning/logins/login-store.js';
import { Optional } from '../../databases/dto/fields.js';
import {
  AccessField,
  AllowedCidrsField,
  ExpiresAtField,
  RoleConnectionsField,
  RoleNameField,
} from './fields.js';

const EXPIRY =
  'When it ends: from then on PostgreSQL refuses it by itself (`VALID UNTIL`; PostgreSQL manual, CREATE ROLE), its sessions end within a second, and it is dropped.';
const NETWORKS =
  'From where it may come on both ports, instead of the whitelist of its home; normalised (`203.0.113.5` is `203.0.113.5/32`).';

export class PatchRoleDto {
  @ExpiresAtField(`${EXPIRY} Null is never.`)
  expiresAt?: string | null;

  @AllowedCidrsField(`${NETWORKS} Null is the whitelist of its home.`)
  allowedCidrs?: string[] | null;

  @RoleConnectionsField('')
  maxConnections?: number;
}

export class CreateRoleDto {
  @RoleNameField()
  name!: string;

  @AccessField()
  access!: Access;

  @ExpiresAtField(`${EXPIRY} Never unless given.`)
  expiresAt?: string | null;

  @AllowedCidrsField(`${NETWORKS} The whitelist of its home unless given.`)
  allowedCidrs?: string[] | null;

  @RoleConnectionsField(" 5 unless given, or its home's if that has fewer.")
  maxConnections?: number;
}

export class RotateRoleDto {
  @ApiPropertyOptional({
    description:
      'Whether sessions that logged in with the old password are ended too. The old password itself is refused at once in either case.',
    default: false,
    example: false,
  })
  @Optional('endSessions')
  @IsBoolean({ message: 'must be true or false' })
  endSessions?: boolean;
}

export class RevealQuery {
  @ApiPropertyOptional({
    description: 'Whether the password is shown. Needs the scope `credentials:read` and is audited.',
    type: Boolean,
    default: false,
  })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean({ message: 'reveal must be true or false' })
  reveal = false;
}
