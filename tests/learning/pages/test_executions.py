"""The list of what applications have sent."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from learning.models import Execution
from learning.services import execution_search
from learning.services.execution_search import Wanted, arrived_between, find_executions, first_key
from learning.services.executions import log_execution
from learning.services.feedback import submit_feedback
from learning.services.reading_plan import Span
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with
from tests.planning import learn_statistics

PAGE = "/admin/learning/executions/"
RUN = {"agent_id": "support", "input": "Where is my parcel?\nIt is late.", "output": "In Lyon."}


def send(organization: Organization, name: str = "", said: list[dict[str, Any]] | None = None, **values: Any) -> Any:
    """An execution and the feedback on it, as an application sends them; our id."""
    with organization_scope(organization.id):
        item = RUN | ({"execution_id": name} if name else {}) | values
        made = log_execution(item=item, may_register=True).stored_id()
        for one in said or []:
            reference = {"agent_id": item["agent_id"], "execution_id": str(made)}
            submit_feedback(item=reference | one, may_register=True)
    return made


def arrive(organization: Organization, moment: datetime, **values: Any) -> Execution:
    """A row that arrived then."""
    key = first_key(moment).int | uuid7().int & (2**64 - 1)
    with organization_scope(organization.id):
        return Execution.objects.create(
            **{"id": type(first_key(moment))(int=key), "external_id": str(key), "started_at": moment} | values
        )


def inputs(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [row.asked for row in answer.context["rows"]]


def test_a_manager_sees_what_arrived_and_what_was_said_about_it(sign_in: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        config = factories.make_config(factories.make_agent(external_id="support", name="Support"))
    send(
        organization, "exec-1", [{"feedback_type": "thumbs_down"}, {"feedback_type": "star_rating", "rating": 2}],
        config_id=config.pk, duration_ms=2412.0, input_tokens=120, output_tokens=14, cost="0.0003",
    )  # fmt: skip
    text = sign_in("manager").get(PAGE).content.decode()
    for shown in (
        "Support", f"config {config.number}", "Where is my parcel?", "In Lyon.", "Thumbs down", "2 stars", "2.4 s",
        "120 + 14", "0.0003",
    ):  # fmt: skip
        assert shown in text
    assert "It is late." not in text, "of a text the list has the first line"


def test_what_went_wrong_is_told_in_the_list(sign_in: Any, organization: Organization) -> None:
    send(organization, status="failed", output="", metadata={"error": {"type": "Timeout", "message": "no <answer>"}})
    send(organization, metadata={"error": "half of it"})
    text = sign_in("manager").get(PAGE).content.decode()
    assert "Failed" in text and "Timeout: no &lt;answer&gt;" in text and "half of it" in text


@pytest.mark.parametrize("role", ["member", "expert"])
def test_a_lower_role_may_not_and_a_stranger_signs_in(sign_in: Any, client: Any, role: str) -> None:
    assert sign_in(role).get(PAGE).status_code == 403
    assert client.get(PAGE).status_code == 302


def test_another_organizations_executions_are_not_shown(
    sign_in: Any, organization: Organization, other_organization: Organization
) -> None:
    foreign = send(other_organization, "secret-name", input="secret")
    send(organization, input="own")
    manager = sign_in("manager")
    assert inputs(manager.get(PAGE)) == ["own"]
    for name in ("secret-name", str(foreign)):
        assert inputs(manager.get(f"{PAGE}?find={name}")) == []
        assert manager.get(f"{PAGE}{name}/").status_code == 404


def test_pages_follow_each_other_without_gaps_or_repeats(sign_in: Any, organization: Organization) -> None:
    for number in range(105):
        send(organization, input=f"input {number}")
    manager, address, seen = sign_in("manager"), PAGE, []
    for page in range(3):
        answer = manager.get(address)
        seen += inputs(answer)
        if page == 0:  # what arrives meanwhile moves nothing
            send(organization, input="later")
        address = PAGE + answer.context["next_url"]
    assert answer.context["next_url"] == ""
    assert seen == [f"input {number}" for number in range(104, -1, -1)]
    assert inputs(manager.get(PAGE + answer.context["newest_url"]))[0] == "later"


def test_executions_may_be_of_one_agent_status_and_kind_of_feedback(sign_in: Any, organization: Organization) -> None:
    send(organization, input="quiet")
    send(organization, input="corrected", said=[{"feedback_type": "correction", "correction_text": "better"}])
    send(organization, input="liked", said=[{"feedback_type": "thumbs_up"}], agent_id="other")
    send(organization, input="broken", status="failed")
    manager = sign_in("manager")
    with organization_scope(organization.id):
        other = Execution.objects.get(input="liked").agent_id
    assert inputs(manager.get(f"{PAGE}?agent={other}")) == ["liked"]
    assert inputs(manager.get(f"{PAGE}?status=failed")) == ["broken"]
    assert inputs(manager.get(f"{PAGE}?said=any")) == ["liked", "corrected"]
    assert inputs(manager.get(f"{PAGE}?said=none")) == ["broken", "quiet"]
    assert inputs(manager.get(f"{PAGE}?said=correction")) == ["corrected"]
    assert inputs(manager.get(f"{PAGE}?said=correction&agent={other}")) == []


def test_a_name_in_full_is_found_whenever_it_arrived(sign_in: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        agent = factories.make_agent()
    old = arrive(organization, datetime(2020, 5, 5, tzinfo=UTC), agent=agent, input="long ago")
    send(organization, "exec-7", input="one")
    send(organization, "exec-7", input="another's", agent_id="other")
    manager = sign_in("manager")
    assert inputs(manager.get(PAGE)) == ["another's", "one"]
    assert inputs(manager.get(f"{PAGE}?find=exec-7")) == ["another's", "one"]
    assert inputs(manager.get(f"{PAGE}?find={old.pk}")) == ["long ago"]
    assert inputs(manager.get(f"{PAGE}?find={old.external_id}")) == ["long ago"]
    assert inputs(manager.get(f"{PAGE}?find=exec-")) == []


def test_a_user_or_a_session_is_found_among_what_arrived(sign_in: Any, organization: Organization) -> None:
    send(organization, input="of the user", user_id="user-7")
    send(organization, input="of the session", context={"session_id": "session-9"})
    manager = sign_in("manager")
    assert inputs(manager.get(f"{PAGE}?find=user-7")) == ["of the user"]
    assert inputs(manager.get(f"{PAGE}?find=session-9")) == ["of the session"]


def test_a_time_holds_what_arrived_in_it(sign_in: Any, organization: Organization) -> None:
    now = timezone.now()
    with organization_scope(organization.id):
        agent = factories.make_agent()
    for days in (0, 3, 40, 200):
        arrive(organization, now - timedelta(days=days, hours=1), agent=agent, input=f"{days} days ago")
    manager = sign_in("manager")
    assert inputs(manager.get(f"{PAGE}?days=1")) == ["0 days ago"]
    assert inputs(manager.get(PAGE)) == ["0 days ago", "3 days ago"]
    assert inputs(manager.get(f"{PAGE}?days=365"))[-1] == "200 days ago"
    until = (now - timedelta(days=2)).date()
    assert inputs(manager.get(f"{PAGE}?days=90&until={until}")) == ["3 days ago", "40 days ago"]


def test_looking_for_what_no_index_tells_is_bounded_and_can_go_on(
    sign_in: Any, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_search, "MOST_LOOKED_AT", 4)
    send(organization, input="the broken one", status="failed")
    for _ in range(7):
        send(organization)
    manager, address = sign_in("manager"), f"{PAGE}?status=failed"
    first = manager.get(address)
    assert inputs(first) == [] and "4 executions were looked at" in first.content.decode()
    second = manager.get(PAGE + first.context["next_url"])
    assert inputs(second) == ["the broken one"]
    assert second.context["next_url"] == ""


@pytest.mark.parametrize(
    "query",
    ["agent=x", "days=4000", "days=%00", "status=made_up", "said=x", "before=1", "until=0001-01-01", "until=9999-12-31",
     "find=%00", "find=%ED%A0%80", f"find={'x' * 300}"],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_left_out(sign_in: Any, organization: Organization, query: str) -> None:
    send(organization, input="here")
    answer = sign_in("manager").get(f"{PAGE}?{query}")
    assert answer.status_code == 200
    assert inputs(answer) == ([] if "ED" in query else ["here"])


def test_the_number_of_queries_does_not_grow_with_the_rows(sign_in: Any, organization: Organization) -> None:
    said = [{"feedback_type": "thumbs_up"}, {"feedback_type": "correction", "correction_text": "better"}]
    manager = sign_in("manager")
    send(organization, said=said)
    counts = []
    for query in ("", "?said=any&status=completed&find=nobody"):
        manager.get(PAGE + query)
        with CaptureQueriesContext(connection) as few:
            manager.get(PAGE + query)
        counts.append(len(few))
    for number in range(30):
        send(organization, said=said, agent_id=f"agent {number}")
    for query, before in zip(("", "?said=any&status=completed&find=nobody"), counts, strict=True):
        with CaptureQueriesContext(connection) as many:
            manager.get(PAGE + query)
        assert len(many) <= before
        assert not [
            one["sql"] for one in many if "COUNT(*)" in one["sql"].upper() and "learning_execution" in one["sql"]
        ]


def test_partitions_of_other_months_are_left_alone(scope: Organization) -> None:
    learn_statistics("learning_execution")
    month = timezone.now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = Execution.objects.filter(*arrived_between(month, month + timedelta(days=20))).order_by("-id")
    plan = rows.values("id")[:50].explain()
    assert f"learning_execution_{month:%Y%m}" in plan
    assert "learning_execution_default" not in plan
    assert len(set(re.findall(r"learning_execution_\d{6}", plan))) == 1
    assert len(set(re.findall(r"learning_execution_\d{6}", Execution.objects.order_by("-id")[:50].explain()))) > 1


def test_a_page_reads_no_more_rows_than_it_shows(scope: Organization) -> None:
    learn_statistics("learning_execution")
    agent = factories.make_agent()
    now = timezone.now()
    Execution.objects.bulk_create(
        [Execution(id=uuid7(), agent=agent, external_id=str(n), input="x", started_at=now) for n in range(3000)]
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # small tables tempt the planner
    rows = Execution.objects.filter(*arrived_between(now - timedelta(days=1), now + timedelta(minutes=1)))
    plan = json.loads(rows.order_by("-id").values("id")[:51].explain(format="json", analyze=True))
    assert "Sort" not in str(plan), "the keys come in order from the index"
    assert max(_rows_read(plan[0]["Plan"])) <= 51


def _rows_read(node: dict[str, Any]) -> list[float]:
    return [node["Actual Rows"], *(n for child in node.get("Plans", []) for n in _rows_read(child))]


def test_the_search_gives_up_nothing_at_the_edge_of_what_it_looks_at(
    scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_search, "MOST_LOOKED_AT", 3)
    agent = factories.make_agent()
    now = timezone.now()
    for number in range(9):
        Execution.objects.create(agent=agent, external_id=str(number), status="failed", started_at=now)
    wanted = Wanted(Span(now - timedelta(days=1), now + timedelta(minutes=1)), status="failed")
    found = find_executions(wanted=wanted, limit=2)
    seen = [row.external_id for row in found.rows]
    while found.before is not None:
        found = find_executions(wanted=wanted, before=found.before, limit=2)
        seen += [row.external_id for row in found.rows]
    assert seen == [str(number) for number in range(8, -1, -1)]


def test_before_anything_arrived_the_page_tells_how_to_send_the_first_and_it_works(
    sign_in: Any, organization: Organization
) -> None:
    key = factories.make_key(organization, ["ingest"])
    manager = sign_in("manager")
    text = manager.get(PAGE).content.decode()
    assert key[:10] in text and key not in text
    shown = unescape(re.search(r'id="ten-lines"[^>]*>(.*?)</pre>', text, re.S)[1])  # type: ignore[index]
    commands = shown.split("curl ")[1:]
    assert len(commands) == 2
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        path, body = words[2].removeprefix("http://testserver"), json.loads(words[words.index("-d") + 1])
        assert "Authorization: Bearer $KEY" in words
        assert api_with(key).post(path, body, format="json").status_code == 201
    answer = manager.get(PAGE)
    assert inputs(answer) == ["Where is my parcel?"]
    assert "Correction" in answer.content.decode() and "ten-lines" not in answer.content.decode()


def test_without_a_key_the_page_says_who_makes_one(sign_in: Any, organization: Organization) -> None:
    assert "/admin/learning/keys/" in sign_in("admin").get(PAGE).content.decode()
    assert "ask an administrator" in sign_in("manager").get(PAGE).content.decode()
