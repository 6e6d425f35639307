import { Injectable, type PipeTransform } from '@nestjs/common';
import { invalidField } from '../../kernel/errors.js';
import { isFriendlyName } from './dto/fields.js';

@Injectable()
export class FriendlyNamePipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (isFriendlyName(value)) return value;
    throw invalidField('name', 'must have 1 to 100 printable characters, without spaces at its ends');
  }
}
