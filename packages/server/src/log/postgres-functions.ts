import { STREAM_NAME } from './stream-name.ts'

/**
 * What PostgreSQL does by itself. `holdfast_put` is how this server appends there: any number of appends in one call,
 * each judged and carried out on its own, so that one that is refused leaves its neighbours alone. The others are for
 * programs beside this server (docs/nodes.md); what they append is told in the transaction that appends it.
 */
export const CREATE_FUNCTIONS = [
  // Which store this is: what nodes tell each other outside of it is kept apart by that. `secrets` is the host's.
  'CREATE TABLE holdfast_store (id UUID NOT NULL DEFAULT gen_random_uuid(), secrets TEXT)',
  'INSERT INTO holdfast_store DEFAULT VALUES',

  `CREATE FUNCTION holdfast_now() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS
   $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$`,

  // Elements as log/append-element.ts makes them. An element that is refused gives no row and has changed nothing.
  `CREATE FUNCTION holdfast_put(appends json)
   RETURNS TABLE (element bigint, incarnation bigint, tail bigint) LANGUAGE plpgsql AS $$
   #variable_conflict use_column
   DECLARE
     a record;
     s record;
     n bigint := 0;
   BEGIN
     FOR a IN
       SELECT * FROM json_to_recordset(appends) AS x (
         stream text, texts json, count bigint, bytes bigint, seal smallint, at bigint, now bigint, known_id bigint,
         media_type text, last_seq text, producer text, epoch bigint, seq bigint)
     LOOP
       n := n + 1;
       IF a.at IS NOT NULL THEN
         INSERT INTO streams AS t (name, tail, bytes, sealed) VALUES (a.stream, a.count, a.bytes, a.seal)
         ON CONFLICT (name) DO UPDATE SET
           tail = t.tail + excluded.tail, bytes = t.bytes + excluded.bytes, sealed = excluded.sealed,
           expires_at = CASE WHEN t.ttl IS NULL THEN t.expires_at ELSE a.at + t.ttl * 1000 END
         WHERE t.sealed = 0 AND t.deleted = 0
           AND (t.expires_at IS NULL OR t.ttl IS NOT NULL OR t.expires_at > a.at)
         RETURNING t.id, t.tail INTO s;
         IF NOT FOUND THEN CONTINUE; END IF;
       ELSE
         IF a.producer IS NOT NULL THEN
           SELECT id, tail INTO s FROM streams
           WHERE name = a.stream AND sealed = 0 AND deleted = 0
             AND CASE WHEN a.known_id IS NULL THEN expires_at IS NULL OR expires_at > a.now ELSE id = a.known_id END
             AND (a.media_type IS NULL OR media_type = a.media_type)
             AND (a.last_seq IS NULL OR last_seq IS NULL OR last_seq < a.last_seq)
           FOR UPDATE;
           IF NOT FOUND THEN CONTINUE; END IF;
           IF a.seq = 0 THEN
             INSERT INTO stream_producers AS p (stream_id, producer, epoch, seq) VALUES (s.id, a.producer, a.epoch, 0)
             ON CONFLICT (stream_id, producer) DO UPDATE SET epoch = excluded.epoch, seq = 0
             WHERE p.epoch < excluded.epoch;
           ELSE
             UPDATE stream_producers SET seq = a.seq
             WHERE stream_id = s.id AND producer = a.producer AND epoch = a.epoch AND seq = a.seq - 1;
           END IF;
           IF NOT FOUND THEN CONTINUE; END IF;
         END IF;
         UPDATE streams SET
           tail = tail + a.count, bytes = bytes + a.bytes, sealed = a.seal,
           expires_at = CASE WHEN ttl IS NULL THEN expires_at ELSE a.now + ttl * 1000 END,
           last_seq = COALESCE(a.last_seq, last_seq),
           closed_producer = CASE WHEN a.seal = 1 THEN a.producer END,
           closed_epoch = CASE WHEN a.seal = 1 THEN a.epoch END,
           closed_seq = CASE WHEN a.seal = 1 THEN a.seq END
         WHERE name = a.stream AND sealed = 0 AND deleted = 0
           AND CASE WHEN a.known_id IS NULL THEN expires_at IS NULL OR expires_at > a.now ELSE id = a.known_id END
           AND (a.media_type IS NULL OR media_type = a.media_type)
           AND (a.last_seq IS NULL OR last_seq IS NULL OR last_seq < a.last_seq)
         RETURNING id, tail INTO s;
         IF NOT FOUND THEN CONTINUE; END IF;
       END IF;
       IF a.count = 1 THEN
         INSERT INTO events (stream_id, seq, data) VALUES (s.id, s.tail, a.texts ->> 0);
       ELSIF a.count > 1 THEN
         INSERT INTO events (stream_id, seq, data)
         SELECT s.id, s.tail - a.count + e.ordinality, e.value
         FROM json_array_elements_text(a.texts) WITH ORDINALITY e;
       END IF;
       element := n;
       incarnation := s.id;
       tail := s.tail;
       RETURN NEXT;
     END LOOP;
   END $$`,

  // The payload is that of the broker on PostgreSQL, under its limit of 8,000 bytes: a name beyond that is not told, and
  // whoever listens looks at all it reads.
  `CREATE FUNCTION holdfast_signal(stream text, tail text, flags text) RETURNS void LANGUAGE plpgsql AS $$
   DECLARE
     payload text := json_build_array(json_build_array(NULL, stream, tail, flags));
   BEGIN
     PERFORM pg_notify(
       'holdfast_' || left(md5(stream), 2),
       CASE WHEN octet_length(payload) < 8000 THEN payload ELSE '[[null,null]]' END);
   END $$`,

  `CREATE FUNCTION holdfast_append(stream text, event jsonb, seal boolean DEFAULT false) RETURNS text
   LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   DECLARE
     texts json;
     put record;
     place text;
   BEGIN
     IF stream IS NULL OR event IS NULL OR seal IS NULL THEN
       RAISE EXCEPTION 'holdfast_append wants the name of a stream and an event' USING ERRCODE = 'null_value_not_allowed';
     END IF;
     -- As over HTTP: what could not be read there is not made here.
     IF length(stream) > ${STREAM_NAME.maxLength} OR stream !~ '${STREAM_NAME.pattern}' THEN
       RAISE EXCEPTION '"%" cannot be the name of a stream', left(stream, 100)
         USING ERRCODE = 'invalid_parameter_value',
           HINT = '${STREAM_NAME.words}';
     END IF;
     IF jsonb_typeof(event) <> 'array' THEN event := jsonb_build_array(event); END IF;
     IF jsonb_array_length(event) = 0 THEN
       RAISE EXCEPTION 'there is no event in the array' USING ERRCODE = 'invalid_parameter_value';
     END IF;
     SELECT json_agg(e.value::text ORDER BY e.ordinality) INTO texts FROM jsonb_array_elements(event) WITH ORDINALITY e;
     SELECT p.* INTO put FROM holdfast_put(json_build_array(json_build_object(
       'stream', stream, 'texts', texts, 'count', jsonb_array_length(event),
       'bytes', (SELECT sum(octet_length(t)) FROM json_array_elements_text(texts) t),
       'seal', seal::int, 'at', holdfast_now()))) p;
     -- Asked here, where its row is held: before, somebody may just have been making it.
     IF EXISTS (SELECT 1 FROM streams t WHERE t.name = holdfast_append.stream AND t.media_type <> 'application/json') THEN
       RAISE EXCEPTION 'the stream "%" does not hold JSON', stream USING ERRCODE = 'wrong_object_type';
     END IF;
     IF put.incarnation IS NULL THEN
       RAISE EXCEPTION 'the stream "%" has ended', stream USING ERRCODE = 'object_not_in_prerequisite_state';
     END IF;
     place := lpad(put.incarnation::text, 16, '0') || '_' || lpad(put.tail::text, 16, '0');
     PERFORM holdfast_signal(stream, place, CASE WHEN seal THEN 's' ELSE '' END);
     RETURN place;
   END $$`,

  `CREATE TABLE holdfast_inbox (
     id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     stream TEXT NOT NULL,
     event JSONB NOT NULL,
     seal BOOLEAN NOT NULL DEFAULT false
   )`,
  // One append a stream and statement, in the order of the streams' names, as in every commit.
  `CREATE FUNCTION holdfast_take_inbox() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   DECLARE
     r record;
   BEGIN
     FOR r IN
       SELECT i.stream, jsonb_agg(e.value ORDER BY i.id, e.ordinality) AS events, bool_or(i.seal) AS seal
       FROM added i, LATERAL jsonb_array_elements(
         CASE jsonb_typeof(i.event) WHEN 'array' THEN i.event ELSE jsonb_build_array(i.event) END) WITH ORDINALITY e
       GROUP BY i.stream ORDER BY i.stream COLLATE "C"
     LOOP
       PERFORM holdfast_append(r.stream, r.events, r.seal);
     END LOOP;
     DELETE FROM holdfast_inbox WHERE id IN (SELECT id FROM added);
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER holdfast_inbox_added AFTER INSERT ON holdfast_inbox REFERENCING NEW TABLE AS added
   FOR EACH STATEMENT EXECUTE FUNCTION holdfast_take_inbox()`,
]

export const DROP_FUNCTIONS = [
  'DROP TABLE holdfast_inbox',
  'DROP FUNCTION holdfast_take_inbox()',
  'DROP FUNCTION holdfast_append(text, jsonb, boolean)',
  'DROP FUNCTION holdfast_signal(text, text, text)',
  'DROP FUNCTION holdfast_put(json)',
  'DROP FUNCTION holdfast_now()',
  'DROP TABLE holdfast_store',
]
