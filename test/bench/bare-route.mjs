// A Fastify route that does the same indexed SELECT as GET /api/databases/:id, and nothing else.
import fastify from 'fastify';
import { Pool } from 'pg';

const pool = new Pool(JSON.parse(process.env.POOL));
const app = fastify();

app.get('/api/databases/:id', async (request) => {
  const { rows } = await pool.query('SELECT * FROM databases WHERE id = $1', [request.params.id]);
  return { success: true, data: rows[0] };
});

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.send('ready');
process.once('disconnect', () => process.exit(0));
