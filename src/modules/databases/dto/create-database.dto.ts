import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';
import { DatabaseSettingsDto } from './database-settings.dto.js';
import { ExtensionNames, FriendlyName, Optional, OwnerEmail } from './fields.js';

/** What a new database may be given besides its name. */
export class EnsureDatabaseDto extends DatabaseSettingsDto {
  @OwnerEmail()
  ownerEmail!: string;

  @Optional('extensions')
  @ExtensionNames()
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
