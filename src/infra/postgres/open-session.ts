import { Client, type ClientConfig } from 'pg';

/**
 * A session that is nobody else's. It may end at any time: whoever uses it learns that from the next statement, while
 * the event that node-postgres makes of it as well would end the process when nobody listened.
 */
export async function openSession(options: ClientConfig, Session: typeof Client = Client): Promise<Client> {
  const client = new Session(options);
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
}
