// The adapter that oidc-provider's documentation describes (Adapter interface), over one table, with named statements.
import pg from 'pg'

const MAKE = `create table if not exists oidc_payloads (
  id text not null, type text not null, payload jsonb not null, grant_id text, user_code text, uid text,
  expires_at timestamptz, consumed_at timestamptz, primary key (type, id));
create index if not exists oidc_payloads_grant on oidc_payloads (grant_id) where grant_id is not null;
create index if not exists oidc_payloads_uid on oidc_payloads (uid) where uid is not null;
create index if not exists oidc_payloads_user_code on oidc_payloads (user_code) where user_code is not null`
const UPSERT = `insert into oidc_payloads (id, type, payload, grant_id, user_code, uid, expires_at)
values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second')
on conflict (type, id) do update set payload = excluded.payload, grant_id = excluded.grant_id, user_code = excluded.user_code,
  uid = excluded.uid, expires_at = excluded.expires_at`
const LIVE = 'and (expires_at is null or expires_at > now())'

export async function adapter(url, connections) {
  const pool = new pg.Pool({ connectionString: url, max: connections })
  await pool.query(MAKE)
  const run = (name, text, ...values) => pool.query({ name, text, values })
  const one = async (column, model, value) => {
    const { rows } = await run(`by ${column}`,
      `select payload, consumed_at from oidc_payloads where type = $1 and ${column} = $2 ${LIVE}`, model, value)
    if (!rows.length) return undefined
    const [{ payload, consumed_at: consumed }] = rows
    return consumed ? { ...payload, consumed: Math.floor(consumed.getTime() / 1000) } : payload
  }
  return class PostgresAdapter {
    constructor(model) { this.model = model }
    async upsert(id, payload, expiresIn) {
      await run('upsert', UPSERT, id, this.model, payload, payload.grantId, payload.userCode, payload.uid, expiresIn)
    }
    find(id) { return one('id', this.model, id) }
    findByUid(uid) { return one('uid', this.model, uid) }
    findByUserCode(code) { return one('user_code', this.model, code) }
    async consume(id) { await run('consume', 'update oidc_payloads set consumed_at = now() where type = $1 and id = $2', this.model, id) }
    async destroy(id) { await run('destroy', 'delete from oidc_payloads where type = $1 and id = $2', this.model, id) }
    async revokeByGrantId(grant) { await run('revoke', 'delete from oidc_payloads where grant_id = $1', grant) }
  }
}
