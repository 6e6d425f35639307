export interface WindowFrame {
  /** Lets the role log in. */
  open(): Promise<void>;
  /** Refuses the role again, and ends whoever else used the moment. */
  close(): Promise<void>;
}

/**
 * Keeps a role from logging in but for the moments in which this process does. Code of a tenant's may run in a session of
 * the role, and there it may set the role's password (PostgreSQL manual, ALTER ROLE), but never let it log in.
 */
export class LoginWindow {
  private guests = 0;
  private isOpen = false;
  /** A login failed, perhaps for a password that somebody changed. */
  private isDoubted = false;
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly frame: WindowFrame) {}

  /** `logIn` may run beside others. After one that failed the next begins with the password set anew. */
  async through<T>(logIn: () => Promise<T>): Promise<T> {
    this.guests += 1;
    try {
      await this.settle();
      return await logIn();
    } catch (error) {
      this.isDoubted = true;
      throw error;
    } finally {
      this.guests -= 1;
      // Who is in is in; a window that could not be shut is shut by the next, or by the next start.
      await this.settle().catch(() => {});
    }
  }

  /** One change at a time, since two ALTER ROLE of one role at once fail. */
  private settle(): Promise<void> {
    this.turn = this.turn.catch(() => {}).then(() => this.adjust());
    return this.turn;
  }

  private async adjust(): Promise<void> {
    const isWanted = this.guests > 0;
    if (isWanted === this.isOpen && !(isWanted && this.isDoubted)) return;
    await (isWanted ? this.frame.open() : this.frame.close());
    this.isOpen = isWanted;
    this.isDoubted = false;
  }
}
