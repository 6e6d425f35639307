import { DatabaseSettingsDto } from './database-settings.dto.js';
import { FriendlyName, Optional, OwnerEmail } from './fields.js';

/** What is left out stays as it is. */
export class PatchDatabaseDto extends DatabaseSettingsDto {
  @Optional('friendlyName')
  @FriendlyName({ required: false })
  friendlyName?: string;

  @Optional('ownerEmail')
  @OwnerEmail({ required: false })
  ownerEmail?: string;
}
