import type { Type } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

const envelopes = new Map<Type, Type>();
const pages = new Map<Type, Type>();

/** The named schema of a single resource's answer: `DatabaseEnvelope` for `Database` or `DatabaseDto`. */
export function envelopeOf(model: Type): Type {
  return remember(envelopes, model, () => {
    const envelope = named(`${baseName(model)}Envelope`);
    ApiProperty({ type: Boolean, enum: [true] })(envelope.prototype, 'success');
    ApiPropertyOptional({ type: String, description: 'For people' })(envelope.prototype, 'message');
    ApiProperty({ type: model })(envelope.prototype, 'data');
    return envelope;
  });
}

/** The named schema of a list's answer: `DatabasePage`. */
export function pageOf(model: Type): Type {
  return remember(pages, model, () => {
    const page = named(`${baseName(model)}Page`);
    ApiProperty({ type: Boolean, enum: [true] })(page.prototype, 'success');
    ApiProperty({ type: [model] })(page.prototype, 'data');
    ApiProperty({ type: 'integer', minimum: 0, description: 'How many this page holds', example: 1 })(
      page.prototype,
      'count',
    );
    ApiProperty({
      type: String,
      nullable: true,
      description: 'What to send as `cursor` for the next page; null on the last one',
      example: null,
    })(page.prototype, 'next_cursor');
    return page;
  });
}

function baseName(model: Type): string {
  return model.name.replace(/(Dto|Response)$/, '');
}

function named(name: string): Type {
  return { [name]: class {} }[name] as Type;
}

function remember(known: Map<Type, Type>, model: Type, make: () => Type): Type {
  const found = known.get(model);
  if (found) return found;
  const made = make();
  known.set(model, made);
  return made;
}
