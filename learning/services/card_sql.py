"""What a data card asks about the items of a version, each question one statement over the stored items.

`{items}` stands for ITEMS.
"""

from __future__ import annotations

ITEMS = """
FROM learning_datasetexample i
JOIN learning_learningexample e ON e.organization_id = i.organization_id AND e.id = i.example_id
WHERE i.organization_id = %(organization)s AND i.version_id = %(version)s
"""
# One pass for all of them: (what is counted, its name, how many).
COUNTS = """
SELECT CASE 0 WHEN grouping(split) THEN 'split' WHEN grouping(type) THEN 'example_type'
  WHEN grouping(source) THEN 'source_type' WHEN grouping(agent) THEN 'agent' ELSE 'domain' END AS counted,
  coalesce(split, type, source, agent, domain, ''), count(*)
FROM (SELECT i.split, i.example_type AS type, e.source_type AS source, e.domain,
  (SELECT external_id FROM learning_agent WHERE organization_id = e.organization_id AND id = e.agent_id) AS agent
  {items}) items
GROUP BY GROUPING SETS ((split), (type), (source), (agent), (domain)) ORDER BY 1, 3 DESC, 2
"""
# The feedback is looked up item by item: there may be many times more of it than items. OFFSET: once for each item.
FIGURES = """
SELECT count(quality_score) AS scored, avg(quality_score) AS quality,
  count(consensus_weight) AS weighed, avg(consensus_weight) AS consensus,
  min(consensus_weight) AS least_consensus,
  count(*) FILTER (WHERE consent) AS consent_given, count(*) FILTER (WHERE NOT consent) AS consent_refused,
  count(*) FILTER (WHERE consent IS NULL) AS consent_not_needed,
  min(weight) AS least_weight, percentile_cont(0.5) WITHIN GROUP (ORDER BY weight) AS median_weight,
  max(weight) AS largest_weight, count(weight_override) AS set_by_people,
  coalesce(sum(weight) ^ 2 / nullif(sum(weight ^ 2), 0), 0) AS effective,
  count(*) FILTER (WHERE redaction_found <> '{{}}') AS redacted,
  min(prepared_version) AS oldest_rules, max(prepared_version) AS newest_rules
FROM (SELECT i.weight, e.quality_score, e.consensus_weight, e.weight_override, e.redaction_found, e.prepared_version,
  (SELECT consent FROM learning_agentfeedback
    WHERE organization_id = e.organization_id AND id = e.source_feedback_id) AS consent
  {items} OFFSET 0) items
"""
REDACTED = """
SELECT kind, sum(number::int) FROM (
  SELECT (jsonb_each_text(e.redaction_found)).* {items}
) found (kind, number) GROUP BY 1 ORDER BY 1
"""
# Characters in powers of two: 0, 1, 2-3, 4-7, ...
LENGTHS = """
SELECT field, CASE WHEN length = 0 THEN -1 ELSE floor(log(2, length))::int END AS power, count(*), max(length)
FROM learning_datasetexample i
CROSS JOIN LATERAL (VALUES ('input', length(input_text)), ('answer', length(expected_output))) texts (field, length)
WHERE i.organization_id = %(organization)s AND i.version_id = %(version)s
GROUP BY 1, 2 ORDER BY 1, 2
"""
GROUPS = """
SELECT count(*), coalesce(max(number), 0) FROM (
  SELECT count(*) AS number FROM learning_datasetexample
  WHERE organization_id = %(organization)s AND version_id = %(version)s GROUP BY {key}
) sizes
"""
# By the stored texts themselves, whatever hashes and clusters say.
EXACT_ACROSS_SPLITS = r"""
SELECT count(*) FROM (
  SELECT 1 FROM learning_datasetexample
  WHERE organization_id = %(organization)s AND version_id = %(version)s
  GROUP BY md5(lower(btrim(regexp_replace(input_text, '\s+', ' ', 'g')))) HAVING count(DISTINCT split) > 1
) crossing
"""
SAMPLE = """
SELECT input_text, split FROM learning_datasetexample
WHERE organization_id = %(organization)s AND version_id = %(version)s
ORDER BY md5(example_id::text) LIMIT %(most)s
"""
