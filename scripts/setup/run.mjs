import { spawn } from 'node:child_process';

/** Some programs say what is wrong at the beginning (npm), most at the end. */
const FIRST_LINES = 6;
const LAST_LINES = 12;

/** Runs a program quietly. Throws an error with `message` and the ends of its output when it fails. */
export function run(message, command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'], ...options });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('error', (error) => reject(failure(message, `${command}: ${error.message}`)));
    child.on('close', (code) => {
      const text = Buffer.concat(output).toString('utf8');
      if (code === 0) resolve(text);
      else reject(failure(message, text));
    });
  });
}

function failure(message, text) {
  const lines = text.trim().split('\n');
  const isShort = lines.length <= FIRST_LINES + LAST_LINES;
  const output = isShort ? lines : [...lines.slice(0, FIRST_LINES), '…', ...lines.slice(-LAST_LINES)];
  return Object.assign(new Error(message), { output });
}
