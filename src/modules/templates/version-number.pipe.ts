import { Injectable, type PipeTransform } from '@nestjs/common';
import { invalidField } from '../../kernel/errors.js';

@Injectable()
export class VersionNumberPipe implements PipeTransform<string, number> {
  transform(value: string): number {
    const number = /^[1-9]\d{0,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number < 2 ** 31) return number;
    throw invalidField('number', 'must be a whole number from 1');
  }
}
