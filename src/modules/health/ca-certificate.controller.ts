import { Controller, Get, Header } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ApiProblems, Public, RawAnswer, Summary } from '../../http/route.js';
import { CaCertificate } from './ca-certificate.service.js';

const PEM = 'application/x-pem-file';

@ApiTags('Servers')
@Public()
@Controller('ca-certificate')
export class CaCertificateController {
  constructor(private readonly certificate: CaCertificate) {}

  @Get()
  @RawAnswer()
  @Header('Content-Type', PEM)
  @Summary(
    'Get the CA certificate',
    'For `sslmode=verify-full` (`sslrootcert`) on both ports. 404 where the server certificate comes from a CA that ' +
      "systems trust by themselves: then `sslrootcert=system` (libpq from 16 on) or the system's CA bundle does.",
  )
  @ApiProduces(PEM)
  @ApiResponse({
    status: 200,
    description: 'The certificate in PEM',
    content: {
      [PEM]: {
        schema: { type: 'string' },
        example: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n',
      },
    },
  })
  @ApiProblems('NOT_FOUND')
  getCaCertificate(): Promise<string> {
    return this.certificate.pem();
  }
}
