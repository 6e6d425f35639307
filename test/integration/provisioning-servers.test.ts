import { expect, test } from 'vitest';
import { createDatabase } from '../support/databases.js';
import { startWorld } from '../support/world.js';

interface Server {
  id: string;
  name: string;
  ready: boolean;
  server_version: string;
}

interface Report {
  findings: { kind: string; name: string; database_id: string | null; repair: string }[];
}

const world = await startWorld();
const { api } = world;
const [server] = (await api.get<Server[]>('/api/servers')).expect(200).data;
const path = `/api/servers/${server?.id}`;

test('shows the server of the environment with what it is', async () => {
  const one = (await api.get<Server>(path)).expect(200).data;

  expect(one).toEqual(server);
  expect(one).toMatchObject({ name: 'default', ready: true });
  expect(one.server_version).toMatch(/^\d+\.\d+$/);
});

test('reports what has drifted, and mends it when asked', async () => {
  const database = await createDatabase(world);
  await world.server.query(`ALTER ROLE ${database.username} CONNECTION LIMIT 1`);
  const findings = async (body: object) => {
    const report = (await api.post<Report>(`${path}/reconcile`, body)).expect(200).data;
    return report.findings.filter((finding) => finding.database_id === database.id);
  };

  expect(await findings({})).toMatchObject([{ kind: 'role_drifted', repair: 'needed' }]);
  expect(await findings({ repair: true })).toMatchObject([{ kind: 'role_drifted', repair: 'done' }]);
  expect(await findings({ repair: false })).toEqual([]);
});

test('refuses an unknown server and a body that it does not understand', async () => {
  const unknown = await api.get('/api/servers/00000000-0000-4000-8000-000000000000');
  const wrong = await api.post(`${path}/reconcile`, { repair: 'yes' });

  expect(unknown.status).toBe(404);
  expect(wrong.status).toBe(400);
  expect(wrong.badFields).toEqual(['repair']);
});
