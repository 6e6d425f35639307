import { ApiProperty } from '@nestjs/swagger';

export class SqlColumnDto {
  @ApiProperty({ description: 'Its name in the answer; names may occur twice', example: 'price' })
  name!: string;

  @ApiProperty({
    description: 'Its type as PostgreSQL writes it (`format_type`); of a domain, the type under it',
    example: 'numeric(10,2)',
  })
  type!: string;

  @ApiProperty({
    type: 'integer',
    description: 'The object identifier of the type (`pg_type.oid`)',
    example: 1700,
  })
  type_oid!: number;
}

/** The answer to one statement. */
export class SqlResultDto {
  @ApiProperty({ type: [SqlColumnDto], description: 'Empty for a statement that returns no rows' })
  columns!: SqlColumnDto[];

  @ApiProperty({
    description:
      'Each row as a list, in the order of the columns. `smallint`, `integer`, `oid` and floating-point numbers are numbers, `boolean` is true or false, arrays are lists of such values. All else is text as PostgreSQL prints it, so that no client can lose a digit of it: `json` and `jsonb` (parse them as the client needs), `bigint` and `numeric`, dates and times in ISO style, `bytea` as `\\x` and hexadecimal digits, composites and ranges, floating-point infinities, NaN and -0, arrays whose bounds do not begin at 1 (`[2:3]={5,6}`) or whose elements stand between semicolons (`box[]`). Each value can be sent back as a parameter of its type.',
    type: 'array',
    items: { type: 'array', items: {} },
    example: [['9.50']],
  })
  rows!: (readonly unknown[])[];

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description:
      'Rows returned or changed, as PostgreSQL counts them; of a read that was truncated, the rows in this answer',
    example: 1,
  })
  row_count!: number;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'What PostgreSQL says it did; null when the read was truncated',
    example: 'SELECT',
  })
  command!: string | null;

  @ApiProperty({
    description:
      'Whether rows were left out: there were more than `maxRows`, or than fit into `maxBytes` (a single value too large for it leaves none)',
    example: false,
  })
  truncated!: boolean;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Milliseconds, connecting included', example: 4 })
  duration_ms!: number;

  @ApiProperty({ description: 'Whether the transaction was read-only', example: true })
  read_only!: boolean;
}
