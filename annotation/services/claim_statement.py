"""The one statement by which a slot is claimed.

It updates the best slot that is open to a person, found with FOR UPDATE SKIP LOCKED: of two who ask at the same time
the second skips the row that the first has locked. What the person holds already comes before anything else.

Where it starts to look. What a person has reviewed or skipped may wait for others at the front of the order, and so
may the traces of what was finished. The seat remembers a place (`passed_*`): at `passed_at` nothing before it was open
to this person. So it looks at what became free since then and lies before the place, at leases before it that have run
out, and then from the place on. Each row is passed once by each person, whatever waits.

What it gives back is all that the caller shows: the slot as it is now, its example and that one's agent, or no row.
The seat is locked by a statement before it: this one must not have begun to look while another claim of the same
person was under way.
"""

from __future__ import annotations

from annotation.services.claimed_rows import COLUMNS

RECENT = 1_000  # slots that became free since the seat's mark; with more of them it looks from the start again
ORDER = "s.priority, s.tiebreak, s.waiting_since, s.id"
PLACE = "(%(priority)s::smallint, %(tiebreak)s::float8, %(since)s::timestamptz, %(id)s::uuid)"
# OFFSET 0: asked for each slot by its key, never by reading everything that the person has ever reviewed.
HERE = "s.organization_id = %(organization)s AND s.queue_id = %(queue)s AND s.waiting AND s.kind = %(kind)s"
FREE = f"""{HERE} AND (s.status = 'open' OR s.lease_until < now())
    AND NOT %(expert)s = ANY(s.skipped_by)
    AND NOT EXISTS (
      SELECT 1 FROM annotation_expertannotation a
      WHERE a.organization_id = s.organization_id AND a.expert_id = %(expert)s AND a.example_id = s.example_id
        AND a.round = s.round AND a.kind <> 'gold'
        AND a.superseded_by_id IS NULL AND a.withdrawn_at IS NULL AND NOT a.extra
      OFFSET 0)"""  # noqa: S608  constants alone
HELD = """held AS MATERIALIZED (
  SELECT s.id FROM annotation_slot s WHERE s.organization_id = %(organization)s AND s.id = %(holding)s
    AND s.status = 'claimed' AND s.claimed_by_id = %(expert)s)"""
TAKE = """taken AS (
  UPDATE annotation_slot t SET status = 'claimed', claimed_by_id = %(expert)s, updated_at = now(),
    claimed_at = CASE WHEN EXISTS (SELECT 1 FROM held) THEN t.claimed_at ELSE now() END,
    lease_token = CASE WHEN EXISTS (SELECT 1 FROM held) THEN t.lease_token ELSE %(token)s END,
    lease_until = now() + %(lease)s
  WHERE t.id = (SELECT id FROM held UNION ALL SELECT id FROM behind UNION ALL SELECT id FROM ahead LIMIT 1)
  RETURNING t.*)"""
# The end of the order stands for "nothing was open".
SIT = """sat AS (
  UPDATE annotation_queueseat seat SET updated_at = now(), holding = (SELECT id FROM taken),
  passed_priority = CASE WHEN moved.it THEN coalesce((SELECT priority FROM taken), 32767) ELSE passed_priority END,
  passed_tiebreak = CASE WHEN moved.it THEN coalesce((SELECT tiebreak FROM taken), 'Infinity') ELSE passed_tiebreak END,
  passed_since = CASE WHEN moved.it THEN coalesce((SELECT waiting_since FROM taken), now()) ELSE passed_since END,
  passed_id = CASE WHEN moved.it THEN coalesce((SELECT id FROM taken), seat.id) ELSE passed_id END,
  passed_at = CASE WHEN {lost} THEN NULL WHEN moved.it THEN now() ELSE passed_at END
FROM (SELECT %(kind)s = 'review' AND NOT EXISTS (SELECT 1 FROM held) AND NOT EXISTS (SELECT 1 FROM behind) AS it) moved
WHERE seat.id = %(seat)s AND seat.organization_id = %(organization)s)"""
SHOW = f"""SELECT {COLUMNS} FROM taken
JOIN learning_learningexample e ON e.organization_id = %(organization)s AND e.id = taken.example_id
JOIN learning_agent g ON g.organization_id = %(organization)s AND g.id = e.agent_id"""  # noqa: S608  constants alone


def _statement(behind: str, ahead: str, lost: str) -> str:
    parts = [
        HELD,
        behind,
        f"""ahead AS MATERIALIZED (
  SELECT s.id FROM annotation_slot s WHERE {FREE}{ahead}
    AND NOT EXISTS (SELECT 1 FROM held) AND NOT EXISTS (SELECT 1 FROM behind)
  ORDER BY {ORDER} LIMIT 1 FOR UPDATE SKIP LOCKED)""",  # noqa: S608  constants alone
        TAKE,
        SIT.format(lost=lost),
    ]
    return "WITH " + ",\n".join(parts) + "\n" + SHOW


FROM_THE_START = _statement("behind AS (SELECT NULL::uuid AS id WHERE false)", "", "false")
FROM_THE_PLACE = _statement(
    f"""recent AS MATERIALIZED (
  SELECT s.id FROM annotation_slot s WHERE s.organization_id = %(organization)s AND s.queue_id = %(queue)s
    AND s.waiting AND s.opened_at >= %(opened)s ORDER BY s.opened_at DESC LIMIT {RECENT}),
lapsed AS MATERIALIZED (
  SELECT holding AS id FROM annotation_queueseat
  WHERE organization_id = %(organization)s AND queue_id = %(queue)s AND holding IS NOT NULL),
before AS MATERIALIZED (
  SELECT s.id FROM annotation_slot s
  WHERE s.id = ANY(ARRAY(SELECT id FROM recent UNION SELECT id FROM lapsed)) AND {FREE} AND ({ORDER}) < {PLACE}),
behind AS MATERIALIZED (
  SELECT s.id FROM annotation_slot s JOIN before b ON b.id = s.id
  WHERE s.waiting AND (s.status = 'open' OR s.lease_until < now()) AND NOT EXISTS (SELECT 1 FROM held)
  ORDER BY {ORDER} LIMIT 1 FOR UPDATE OF s SKIP LOCKED)""",  # noqa: S608  constants alone
    f" AND ({ORDER}) >= {PLACE}",
    f"(SELECT count(*) FROM recent) >= {RECENT}",  # noqa: S608  constants alone
)
