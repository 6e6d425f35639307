import { expect, test } from 'vitest';
import { CommandError } from '../process/run-command.js';
import { explainCertbot } from './certbot.js';

const failure = (output: string) => explainCertbot(new CommandError('certbot', output));

test('tells what the ACME server found wrong', () => {
  const output = `Account registered.
  Domain: db.example.com
  Type:   connection
  Detail: connection refused

Saving debug log to /data/acme/logs/letsencrypt.log
Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org.`;

  expect(failure(output)).toBe('Detail: connection refused');
});

test('else the end of what certbot said, without its closing words', () => {
  const output = 'Saving debug log to /x\nCould not bind TCP port 80\nAsk for help or search for solutions';

  expect(failure(output)).toBe('Could not bind TCP port 80');
});
