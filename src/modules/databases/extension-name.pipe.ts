import { Injectable, type PipeTransform } from '@nestjs/common';
import { invalidField } from '../../kernel/errors.js';
import { ALLOWED_EXTENSIONS } from '../../provisioning/extensions.js';

@Injectable()
export class ExtensionNamePipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (ALLOWED_EXTENSIONS.some((name) => name === value)) return value;
    throw invalidField('name', `must be one of ${ALLOWED_EXTENSIONS.join(', ')}`);
  }
}
