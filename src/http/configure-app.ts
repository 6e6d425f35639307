import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { Admission } from './admission.js';
import { registerBodyParser } from './body-parser.js';
import { dropLeftovers } from './leftover-body.js';
import { buildDocument } from './openapi-document.js';
import { API, DOCS, DOCS_JSON, UNPREFIXED } from './paths.js';
import { logRequests } from './request-log.js';
import { RouteTable } from './route-table.js';
import { securityHeaders } from './security-headers.js';

const CLOSE_PATIENCE_MS = 2_000;

/** Prepares the application that Nest made; call it before `init` or `listen`. */
export function configureApp(app: NestFastifyApplication): NestFastifyApplication {
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const routes = app.get(RouteTable);
  server.addHook('onRoute', (route) => routes.add(route));
  registerBodyParser(server);
  dropLeftovers(server);
  setHeaders(server);
  admitRequests(server, app.get(Admission));
  boundShutdown(server);
  logRequests(server);
  setPrefix(app);
  SwaggerModule.setup(DOCS, app, () => buildDocument(app), {
    jsonDocumentUrl: DOCS_JSON,
    yamlDocumentUrl: 'docs-yaml',
    customSiteTitle: 'Rowhouse API',
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true },
  });
  return app;
}

/**
 * Operations have drained by now. What still holds a connection is a slow reader, or a client that connected ahead and
 * has asked for nothing yet, which does not count as idle and would keep the server open for its connection timeout.
 */
function boundShutdown(server: FastifyInstance): void {
  server.addHook('preClose', (done) => {
    setTimeout(() => server.server.closeAllConnections(), CLOSE_PATIENCE_MS).unref();
    done();
  });
}

export function setPrefix(app: NestFastifyApplication): NestFastifyApplication {
  return app.setGlobalPrefix(API, { exclude: UNPREFIXED });
}

function setHeaders(server: FastifyInstance): void {
  // At the end, since a CORS preflight is answered before any other hook of a request.
  server.addHook('onSend', (request, reply, payload, done) => {
    reply.header('X-Request-Id', request.id).headers(securityHeaders(request.url, request.protocol));
    done(null, payload);
  });
}

function admitRequests(server: FastifyInstance, admission: Admission): void {
  server.addHook('onRequest', (request, reply, done) => {
    try {
      const waits = admission.admit(request, reply);
      if (waits) waits.then(() => done(), done);
      else done();
    } catch (error) {
      done(error as Error);
    }
  });
}
