import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { TemplateCatalogs } from './template-catalogs.js';
import { TemplateDiffService } from './template-diff.service.js';
import { TemplateDriftService } from './template-drift.service.js';
import { TemplateVersionsController } from './template-versions.controller.js';
import { TemplateVersionsRepository } from './template-versions.repository.js';
import { TemplateVersionsService } from './template-versions.service.js';
import { TemplatesController } from './templates.controller.js';
import { TemplatesRepository } from './templates.repository.js';
import { TemplatesService } from './templates.service.js';
import { VersionTrial } from './trial/version-trial.js';
import { VersionReader } from './version-reader.js';

@Module({
  imports: [ProvisioningModule],
  controllers: [TemplatesController, TemplateVersionsController],
  providers: [
    TemplateCatalogs,
    TemplateDiffService,
    TemplateDriftService,
    TemplatesRepository,
    TemplatesService,
    TemplateVersionsRepository,
    TemplateVersionsService,
    VersionReader,
    VersionTrial,
  ],
})
export class TemplatesModule {}
