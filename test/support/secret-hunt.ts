import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LOOK_EVERY_MS = 50;

/** Forms in which a secret may turn up where it does not belong. */
const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  'URL-encoded': encodeURIComponent,
  base64: (secret) => Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  hex: (secret) => Buffer.from(secret).toString('hex'),
};

/** Secrets by what they are, gathered on the way. */
export class SecretHunt {
  private readonly secrets = new Map<string, string>();

  get size(): number {
    return this.secrets.size;
  }

  add(what: string, secret: string): void {
    if (secret !== '***') this.secrets.set(secret, what);
  }

  /** Takes every password and key out of an answer. */
  learn(what: string, answer: unknown): void {
    if (Array.isArray(answer)) for (const item of answer) this.learn(what, item);
    else if (answer !== null && typeof answer === 'object')
      for (const [field, value] of Object.entries(answer)) this.learnField(`${what}.${field}`, field, value);
  }

  /** Which secrets stand in a text, by name and form. */
  findIn(text: string): string[] {
    const found = [...this.secrets].flatMap(([secret, what]) =>
      Object.entries(FORMS)
        .filter(([, encode]) => text.includes(encode(secret)))
        .map(([form]) => `${what} (${form})`),
    );
    return [...new Set(found)];
  }

  private learnField(what: string, field: string, value: unknown): void {
    if (typeof value === 'string') this.learnText(what, field, value);
    else this.learn(what, value);
  }

  private learnText(what: string, field: string, value: string): void {
    if (field === 'password' || field === 'key') this.add(what, value);
    if (/^\w+:\/\//.test(value) && URL.canParse(value)) {
      const { password } = new URL(value);
      if (password !== '') this.add(what, decodeURIComponent(password));
    }
  }
}

/** Watches the command lines and first environments of all processes of the machine. Linux. */
export class ProcessWatch {
  private readonly seen = new Set<string>();
  private readonly environments = new Map<string, string>();
  private readonly timer = setInterval(() => this.look(), LOOK_EVERY_MS);

  private constructor(private readonly except: readonly string[]) {}

  /** `except`: processes that were given secrets as variables on purpose. */
  static start(except: readonly number[]): ProcessWatch {
    return new ProcessWatch(except.map(String));
  }

  stop(): { commandLines: string[]; environments: string[] } {
    clearInterval(this.timer);
    this.look();
    return { commandLines: [...this.seen], environments: [...this.environments.values()] };
  }

  private look(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      this.seen.add(read(pid, 'cmdline'));
      if (!this.except.includes(pid) && !this.environments.has(pid))
        this.environments.set(pid, read(pid, 'environ'));
    }
  }
}

/** A process may end while it is looked at. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(join('/proc', pid, file), 'utf8');
  } catch {
    return '';
  }
}
