import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSourceOptions } from 'typeorm';
import { CONFIG, type Config } from '../../config/config.js';
import { withPatience } from '../postgres/session-pool.js';
import { controlConnection, QUERY_TIMEOUT_MS } from './connection.js';
import { ControlDataSource } from './control-data-source.js';

/** Offers the TypeORM DataSource of the control database everywhere. The schema is made by `migrate`, never by TypeORM. */
@Module({})
export class ControlDbModule {
  static register(): DynamicModule {
    return {
      module: ControlDbModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [CONFIG],
          dataSourceFactory: async (options) =>
            new ControlDataSource(options as DataSourceOptions).initialize(),
          useFactory: (config: Config) => {
            const { host, port, user, password, database, ssl, ...extra } = controlConnection(config);
            return {
              type: 'postgres',
              host,
              port,
              username: user,
              password: password as string,
              database,
              ssl: ssl as boolean | object,
              extra: withPatience({ ...extra, max: config.control.poolSize }, QUERY_TIMEOUT_MS),
              autoLoadEntities: true,
              synchronize: false,
              installExtensions: false,
              logging: false,
              retryAttempts: 0,
            };
          },
        }),
      ],
    };
  }
}
