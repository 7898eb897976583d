"""The statements that choose, split, weigh and store the items of a version, set by set.

They share one temporary table of the transaction, so that a million items are never held by the web process or worker.
"""

from __future__ import annotations

from learning.models import BalanceBy, GroupBy, TrainingDataset
from learning.services.manifests import digest_of

FRESH = "DROP TABLE IF EXISTS publication_item"
# What never leaves its group; an example without any is grouped by its cluster.
GROUP_NAMES = {
    GroupBy.CLUSTER: "NULL::text",
    GroupBy.CONVERSATION: "coalesce(x.context->>'session_id', x.metadata->>'session_id', "
    "e.input_context->>'session_id', e.input_context->>'conversation_id')",
    GroupBy.USER: "coalesce(nullif(x.\"user\", ''), nullif(f.\"user\", ''), nullif(e.\"user\", ''), "
    "e.input_context->>'user')",
    GroupBy.SOURCE: "coalesce(e.input_context->>'source', e.source_type)",
}
# What the statement below takes of an example.
EXAMPLE = (
    "id", "organization_id", "agent_id", "input_hash", "content_hash", "cluster_key", "is_bridge", "is_representative",
    "source_type", "quality_score", "consensus_weight", "weight_override", "created_at", "domain", "task_type",
    "expected_output", "input_context", "user", "source_execution_id", "source_feedback_id",
)  # fmt: skip
SELECT = """
CREATE TEMPORARY TABLE publication_item ON COMMIT DROP AS
SELECT e.id AS example_id, e.agent_id, e.input_hash, e.content_hash, e.cluster_key, e.is_bridge, e.is_representative,
  e.source_type = 'synthetic' AS is_synthetic, e.quality_score, e.consensus_weight, e.weight_override, e.created_at,
  f.consent, e.domain, e.task_type, left(e.expected_output, 200) AS expected, {group} AS group_name,
  e.cluster_key::text AS group_key, NULL::varchar(10) AS split, 1.0::float8 AS weight
FROM ({eligible}) e
LEFT JOIN learning_execution x ON x.organization_id = e.organization_id AND x.id = e.source_execution_id
LEFT JOIN learning_agentfeedback f ON f.organization_id = e.organization_id AND f.id = e.source_feedback_id
"""
KNOWN = "ANALYZE publication_item"  # or the planner guesses how many there are
NUMBER = "SELECT count(*) FROM publication_item"
NO_CONSENT = "DELETE FROM publication_item WHERE consent IS FALSE"
NO_INPUT = "DELETE FROM publication_item WHERE cluster_key = ''"
BRIDGES = "DELETE FROM publication_item WHERE is_bridge"
REPEATED = """
DELETE FROM publication_item i USING (
  SELECT example_id,
    row_number() OVER (PARTITION BY agent_id, input_hash ORDER BY is_synthetic, example_id DESC) AS place
  FROM publication_item
) ranked WHERE ranked.example_id = i.example_id AND ranked.place > 1
"""
# The one a person chose; otherwise the best, then the oldest.
NOT_REPRESENTATIVE = """
DELETE FROM publication_item i USING (
  SELECT example_id, row_number() OVER (PARTITION BY agent_id, cluster_key
    ORDER BY is_representative DESC, quality_score DESC NULLS LAST, example_id) AS place
  FROM publication_item
) ranked WHERE ranked.example_id = i.example_id AND ranked.place > 1
"""
GROUPS = "SELECT DISTINCT group_name FROM publication_item WHERE group_name IS NOT NULL ORDER BY 1"
NAME_GROUPS = """
UPDATE publication_item i SET group_key = named.key
FROM unnest(%(names)s::text[], %(keys)s::text[]) AS named(name, key) WHERE named.name = i.group_name
"""
# Most clusters are groups of their own: nothing connects them with others, and they may be a million.
ALONE = """
SELECT i.cluster_key, bool_and(i.is_synthetic) FROM publication_item i
LEFT JOIN learning_splitassignment known ON known.organization_id = %(organization)s AND known.key = i.cluster_key
WHERE known.id IS NULL GROUP BY 1 HAVING bool_and(i.group_key = i.cluster_key) ORDER BY 1
"""
MEMBERS = """
SELECT cluster_key, group_key, bool_and(is_synthetic) FROM publication_item
WHERE cluster_key IN (SELECT cluster_key FROM publication_item WHERE group_key <> cluster_key) GROUP BY 1, 2
"""
TAKE_SPLITS = """
UPDATE publication_item i SET split = CASE WHEN cluster.split = own.split THEN cluster.split END
FROM learning_splitassignment cluster, learning_splitassignment own
WHERE cluster.organization_id = %(organization)s AND cluster.key = i.cluster_key
  AND own.organization_id = %(organization)s AND own.key = i.group_key
"""
SPLIT_CONFLICT = "DELETE FROM publication_item WHERE split IS NULL"
SYNTHETIC_OUTSIDE_TRAIN = "DELETE FROM publication_item WHERE is_synthetic AND split <> 'train'"
# A person's word first. Age counts from the newest item, not from today: the same content is the same version.
WEIGH = """
UPDATE publication_item i SET weight = coalesce(i.weight_override, round(({factors})::numeric, 6)::float8)
FROM (SELECT max(created_at) AS newest, count(*) AS total FROM publication_item) whole
{counted}
"""
REVIEWERS = "coalesce(i.consensus_weight, 1)"
RECENCY = "power(0.5, extract(epoch FROM whole.newest - i.created_at) / 86400 / %(half_life)s)"
BALANCE = "(whole.total::float8 / (kind.kinds * kind.number))"
COUNTED = """
CROSS JOIN (
  SELECT {column} AS name, count(*) AS number, count(*) OVER () AS kinds FROM publication_item GROUP BY 1
) kind
WHERE kind.name = i.{column}
"""
MANIFEST = f"SELECT count(*), {digest_of('publication_item')} FROM publication_item"  # noqa: S608  our own names
COUNTS = """
SELECT split, count(*), avg(quality_score) FROM publication_item GROUP BY GROUPING SETS ((split), ())
"""
# Texts are read only here, and people may change them at any time: what is not any more what was chosen is not stored.
# In the order in which all readers read them, so that those of a batch lie side by side.
STORE = """
INSERT INTO learning_datasetexample (id, organization_id, created_at, updated_at, version_id, example_id, split,
  cluster_key, group_key, example_type, input_text, input_context, original_output, expected_output, rejected_output,
  content_hash, weight)
SELECT gen_random_uuid(), %(organization)s, now(), now(), %(version)s, e.id, i.split, i.cluster_key, i.group_key,
  e.example_type, e.input_text, e.input_context, e.original_output, e.expected_output, e.rejected_output,
  i.content_hash, i.weight
FROM publication_item i JOIN learning_learningexample e ON e.organization_id = %(organization)s AND e.id = i.example_id
  AND e.prepared_version > 0 AND e.content_hash = i.content_hash
ORDER BY i.example_id
"""


def select(eligible: str, group_by: str) -> str:
    """The statement that fills the table; `eligible` is a query of EXAMPLE."""
    return SELECT.format(group=GROUP_NAMES[GroupBy(group_by)], eligible=eligible)


def weigh(dataset: TrainingDataset) -> str:
    """The statement that weighs the items by the dataset's recipe."""
    factors, counted = ["1.0"], ""
    if dataset.weigh_by_reviewers:
        factors.append(REVIEWERS)
    if dataset.half_life_days:
        factors.append(RECENCY)
    if dataset.balance_by:
        column = {BalanceBy.DOMAIN: "domain", BalanceBy.TASK_TYPE: "task_type", BalanceBy.EXPECTED: "expected"}
        factors.append(BALANCE)
        counted = COUNTED.format(column=column[BalanceBy(dataset.balance_by)])
    return WEIGH.format(factors=" * ".join(factors), counted=counted)
