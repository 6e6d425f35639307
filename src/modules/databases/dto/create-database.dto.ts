import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsIn } from 'class-validator';
import { ALLOWED_EXTENSIONS } from '../../../provisioning/extensions.js';
import { DatabaseSettingsDto } from './database-settings.dto.js';
import { FriendlyName, Optional, OwnerEmail } from './fields.js';

/** What a new database may be given besides its name. */
export class EnsureDatabaseDto extends DatabaseSettingsDto {
  @OwnerEmail()
  ownerEmail!: string;

  @ApiPropertyOptional({
    description: 'Extensions to install, from the allow-list; each must be installed on the server.',
    enum: ALLOWED_EXTENSIONS,
    isArray: true,
    example: ['pgcrypto'],
  })
  @Optional('extensions')
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(ALLOWED_EXTENSIONS.length, {
    message: `must have at most ${ALLOWED_EXTENSIONS.length} items`,
  })
  @ArrayUnique({ message: 'must not name an extension twice' })
  @IsIn(ALLOWED_EXTENSIONS, { each: true, message: `each must be one of ${ALLOWED_EXTENSIONS.join(', ')}` })
  extensions?: string[];

  @ApiPropertyOptional({ description: "Whether Prisma's shadow database is made at once.", example: false })
  @Optional('shadow')
  @IsBoolean({ message: 'must be true or false' })
  shadow?: boolean;
}

export class CreateDatabaseDto extends EnsureDatabaseDto {
  @FriendlyName()
  friendlyName!: string;
}
