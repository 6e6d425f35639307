const isTerminal = process.stdout.isTTY === true;

export function done(line: string): void {
  process.stdout.write(isTerminal ? `\x1b[32m✔\x1b[0m ${line}\n` : `✔ ${line}\n`);
}

/** Something is wrong that does not end the command. */
export function warn(line: string): void {
  process.stdout.write(isTerminal ? `\x1b[33m!\x1b[0m ${line}\n` : `! ${line}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
