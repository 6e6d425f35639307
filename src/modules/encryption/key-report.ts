import type { KeyReport } from './resealer.js';

export interface KeyLine {
  readonly text: string;
  readonly isProblem: boolean;
}

/** What an operator has to know about the keys of the stored secrets, a line each. Ids only, never a key. */
export function describeKeys({ presentId, present, former, unknown }: KeyReport): KeyLine[] {
  const own =
    presentId === null
      ? []
      : [line(`ENCRYPTION_KEY has the id ${presentId} and seals ${present} stored secrets`)];
  const others = former.map(({ keyId, secrets }) =>
    line(
      secrets === 0
        ? `Nothing needs the former key ${keyId} any more: take it out of ENCRYPTION_KEY_PREVIOUS once all processes run with the present one (local stack: rowhouse encryption-key reseal)`
        : `${secrets} stored secrets still need the former key ${keyId}: keep it in ENCRYPTION_KEY_PREVIOUS`,
    ),
  );
  const lost = unknown.map(({ keyId, secrets }) => ({
    isProblem: true,
    text: `${secrets} stored secrets are sealed with the key ${keyId}, which is neither ${nameOf(presentId)} nor in ENCRYPTION_KEY_PREVIOUS: these passwords cannot be shown before that key is back`,
  }));
  return [...own, ...others, ...lost];
}

function nameOf(presentId: string | null): string {
  return presentId === null ? 'ENCRYPTION_KEY (which is not set)' : `ENCRYPTION_KEY (${presentId})`;
}

function line(text: string): KeyLine {
  return { text, isProblem: false };
}
