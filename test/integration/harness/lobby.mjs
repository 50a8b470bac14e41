// lobby.mjs: a room whose policy admits the users that have a seat, and numbered events of it.

let rooms = 0;

export class Lobby {
  #last = 0;

  constructor(database) {
    Object.assign(this, { database, room: `lobby:${++rooms}` });
  }

  // Registers the policy of all lobbies of a database. It waits at gate 1 after it has decided.
  static register(database) {
    return database.query(`
      CREATE TABLE seats (user_id text, room text, PRIMARY KEY (user_id, room));
      CREATE FUNCTION may_sit(user_id text, room text) RETURNS boolean LANGUAGE plpgsql AS $$
      DECLARE
        sits boolean := EXISTS (SELECT FROM public.seats AS s WHERE (s.user_id, s.room) = ($1, $2));
      BEGIN
        PERFORM pg_advisory_xact_lock_shared(1);
        RETURN sits;
      END $$;
      SELECT herald.room_policy('lobby', 'may_sit(text, text)')`);
  }

  // connection: runs the statement in its transaction.
  seat(user, connection = this.database) {
    return connection.query('INSERT INTO seats VALUES ($1, $2)', [user, this.room]);
  }

  unseat(user, connection = this.database) {
    return connection.query('DELETE FROM seats WHERE (user_id, room) = ($1, $2)', [user, this.room]);
  }

  recheck(user = null, connection = this.database, room = this.room) {
    return connection.query('SELECT herald.recheck($1, $2)', [user, room]);
  }

  // Publishes the next numbers.
  publish(count = 1, connection = this.database) {
    this.#last += count;
    return connection.query(`SELECT herald.publish($1, 'lobby:numbered', jsonb_build_object('room', $1::text, 'n', n)) FROM generate_series($2::int, $3::int) AS n`,
      [this.room, this.#last - count + 1, this.#last]);
  }

  secret(connection = this.database) {
    return connection.query("SELECT herald.publish($1, 'lobby:secret', '{}')", [this.room]);
  }

  // The numbers that a client has received.
  numbers(client) {
    return client.all('lobby:numbered').filter(({ data }) => data.room === this.room).map(({ data }) => data.n);
  }

  get all() { return Array.from({ length: this.#last }, (_, index) => index + 1); }
}
