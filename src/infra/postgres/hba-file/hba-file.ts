/** A server's pg_hba.conf. Each character stands for one byte (latin1): what operators wrote may be in any encoding. */
export interface HbaFile {
  read(): Promise<string>;
  /** Replaces it so that a reader sees the old text or the new one; owner and mode stay. */
  write(text: string): Promise<void>;
}
