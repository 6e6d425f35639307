import { ValidationPipe } from '@nestjs/common';
import { getMetadataStorage, type ValidationError } from 'class-validator';
import { type FieldError, RowhouseError } from '../kernel/errors.js';
import { fieldPath } from './field-path.js';

const MAX_ERRORS = 100;

/** Names every bad field at once. Nothing is converted: `"20"` is no number. */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: false,
    validationError: { target: true, value: true },
    transformOptions: { enableImplicitConversion: false, exposeUnsetFields: false },
    exceptionFactory: toValidationFailure,
  });
}

export function toValidationFailure(failures: ValidationError[]): RowhouseError {
  const errors = bounded(failures.flatMap((failure) => describe(failure, '')));
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new RowhouseError('VALIDATION_FAILED', detail, { errors });
}

/** A body of a megabyte may have tens of thousands. */
function bounded(errors: FieldError[]): FieldError[] {
  if (errors.length <= MAX_ERRORS) return errors;
  const message = `has ${errors.length - MAX_ERRORS} more that are wrong`;
  return [...errors.slice(0, MAX_ERRORS), { field: 'body', message }];
}

function describe(failure: ValidationError, path: string): FieldError[] {
  const field = fieldPath(path, failure.property);
  const children = (failure.children ?? []).flatMap((child) => describe(child, field));
  const { constraints } = failure;
  return constraints ? [{ field, message: messageOf(failure, constraints) }, ...children] : children;
}

function messageOf(failure: ValidationError, constraints: Record<string, string>): string {
  if (constraints['whitelistValidation']) return unknownField(failure);
  const messages = Object.values(constraints).map((text) => withoutSubject(text, failure.property));
  const rules = [...new Set(messages)].reverse().join(', ');
  return failure.value === undefined ? `is required: ${rules}` : rules;
}

function unknownField({ target }: ValidationError): string {
  const known = knownFields(target);
  return known.length > 0
    ? `is not known; known are ${known.join(', ')}`
    : 'is not known; there are no fields here';
}

function knownFields(target: object | undefined): string[] {
  if (!target) return [];
  const rules = getMetadataStorage().getTargetValidationMetadatas(target.constructor, '', false, false);
  return [...new Set(rules.map((rule) => rule.propertyName))].sort();
}

/** The library begins each message with the property's name, which the field says already. */
function withoutSubject(message: string, property: string): string {
  return message.startsWith(`${property} `) ? message.slice(property.length + 1) : message;
}
