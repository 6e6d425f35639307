import type { PipeTransform } from '@nestjs/common';
import { invalidField } from '../kernel/errors.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export class UuidPipe implements PipeTransform<string, string> {
  constructor(private readonly name: string) {}

  transform(value: string): string {
    if (!UUID.test(value)) throw invalidField(this.name, 'must be a UUID');
    return value.toLowerCase();
  }
}
