const isTerminal = process.stdout.isTTY === true;

export function done(line) {
  console.log(isTerminal ? `\x1b[32m✔\x1b[0m ${line}` : `✔ ${line}`);
}

export function busy(line) {
  console.log(isTerminal ? `\x1b[2m… ${line}\x1b[0m` : `… ${line}`);
}

/** One line that says what is wrong, the output that shows it, and the end. */
export function fail(error) {
  console.error(isTerminal ? `\x1b[31m✖\x1b[0m ${error.message}` : `✖ ${error.message}`);
  for (const line of error.output ?? []) console.error(`    ${line}`);
  process.exit(1);
}
