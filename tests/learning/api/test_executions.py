"""POST and GET executions."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from learning.models import Agent, AgentFeedback, Decision, Execution, ExecutionKey, LearningExample, RetrievalEvent
from organizations.models import AuditEvent, KeyKind, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with

URL = "/api/learning/executions"
RUN = {"agent_id": "agent-456", "execution_id": "exec-123", "input": "Where is my parcel?", "output": "In Lyon."}
EVERYTHING = RUN | {
    "user_id": "user-7",
    "context": {"conversation": [{"role": "user", "content": "Hello"}]},
    "status": "completed",
    "duration_ms": 812.5,
    "input_tokens": 120,
    "output_tokens": 14,
    "cost": 0.1 + 0.2,
    "confidence": 0.83,
    "metadata": {"channel": "web"},
    "variant": "control",
    "started_at": "2026-01-02T03:04:05+01:00",
    "decisions": [
        {
            "decision_point": "tool",
            "input": {"question": "parcel"},
            "output": "tracking",
            "reasoning": "It asks for a place.",
            "confidence": 0.9,
            "alternatives": ["search", None],
        },
        {"decision_point": "tone"},
    ],
}


def errors(answer: Any) -> dict[str, str]:
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.status_code == answer.json()["status"]
    return {error["field"]: error["message"] for error in answer.json().get("errors", [])}


def test_an_execution_is_stored_with_everything_that_was_said_about_it(api: Any, organization: Organization) -> None:
    answer = api.post(URL, EVERYTHING, format="json")
    assert answer.status_code == 201
    assert answer.json() == {"execution_id": "exec-123", "id": answer.json()["id"], "success": True}
    shown = api.get(f"{URL}/exec-123").json()
    expected = EVERYTHING | {"cost": 0.3, "started_at": "2026-01-02T02:04:05Z"}
    decisions = expected.pop("decisions")
    assert {name: shown[name] for name in expected} == expected
    assert [decision["decision_point"] for decision in shown["decisions"]] == ["tool", "tone"]
    assert decisions[0].items() <= shown["decisions"][0].items()
    with organization_scope(organization.id):
        assert str(ExecutionKey.objects.get().pk) == str(Execution.objects.get().pk) == answer.json()["id"]


def test_an_unknown_agent_is_registered_on_first_sight_and_audited(api: Any, organization: Organization) -> None:
    api.post(URL, RUN, format="json")
    api.post(URL, RUN | {"execution_id": "exec-124"}, format="json")
    with organization_scope(organization.id):
        agent = Agent.objects.get()
        assert (agent.external_id, agent.name) == ("agent-456", "agent-456")
        assert AuditEvent.objects.filter(action="agent.registered").count() == 1


def test_an_agent_whose_name_fits_no_address_is_not_registered(api: Any, organization: Organization) -> None:
    answer = api.post(URL, RUN | {"agent_id": "second bot/ü"}, format="json")
    assert answer.status_code == 400 and "no slash" in str(errors(answer)["agent_id"])
    said = {"agent_id": "second bot/ü", "feedback_type": "thumbs_up"}
    assert "no slash" in str(errors(api.post("/api/learning/feedback", said, format="json"))["agent_id"])
    with organization_scope(organization.id):
        assert not Agent.objects.exists()
        factories.make_agent(external_id="second bot/ü")
    assert api.post(URL, RUN | {"agent_id": "second bot/ü"}, format="json").status_code == 201, (
        "one that is there stays"
    )


def test_our_own_ids_are_taken_in_the_same_places(api: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        agent = factories.make_agent()
    answer = api.post(URL, {"agent_id": str(agent.pk), "input": "x"}, format="json").json()
    assert answer["execution_id"] == answer["id"], "without a name of the caller ours is the name"
    assert api.get(f"{URL}/{answer['id']}").json()["agent_id"] == agent.external_id


def test_the_same_request_twice_gives_the_same_answer_and_one_row(api: Any, organization: Organization) -> None:
    first, second = (api.post(URL, EVERYTHING, format="json") for _ in range(2))
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    with organization_scope(organization.id):
        assert (Execution.objects.count(), Decision.objects.count()) == (1, 2)


def test_a_null_is_as_good_as_a_field_left_out(api: Any) -> None:
    first = api.post(URL, RUN, format="json")
    second = api.post(URL, RUN | {"cost": None, "metadata": None, "started_at": None}, format="json")
    assert (second.status_code, second.json()) == (201, first.json())


def test_the_same_name_with_another_content_is_a_conflict(api: Any) -> None:
    api.post(URL, RUN, format="json")
    answer = api.post(URL, RUN | {"output": "In Paris."}, format="json")
    assert answer.status_code == 409
    assert "execution_id" in errors(answer)
    assert api.get(f"{URL}/exec-123").json()["output"] == "In Lyon."


def test_two_agents_and_two_organizations_may_use_the_same_name(api: Any, other_api: Any) -> None:
    answers = [
        api.post(URL, RUN, format="json"),
        api.post(URL, RUN | {"agent_id": "another"}, format="json"),
        other_api.post(URL, RUN, format="json"),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 3


def test_feedback_that_came_first_is_joined_and_its_example_gets_the_texts(
    api: Any, organization: Organization
) -> None:
    early = {"agent_id": "agent-456", "execution_id": "exec-123", "feedback_type": "correction"}
    api.post("/api/learning/feedback", early | {"correction_text": "In Nantes."}, format="json")
    with organization_scope(organization.id):
        assert AgentFeedback.objects.get().execution is None
        assert LearningExample.objects.get().input_text == ""
    api.post(URL, EVERYTHING, format="json")
    with organization_scope(organization.id):
        assert AgentFeedback.objects.get().execution == Execution.objects.get()
        example = LearningExample.objects.get()
        assert (example.input_text, example.original_output) == ("Where is my parcel?", "In Lyon.")
        assert example.expected_output == "In Nantes."
        assert example.source_execution == Execution.objects.get()
        assert example.input_context == EVERYTHING["context"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent_id", ""),
        ("agent_id", None),
        ("agent_id", "x" * 201),
        ("agent_id", " padded"),
        ("agent_id", {"a": 1}),
        ("execution_id", "x" * 201),
        ("user_id", "x" * 201),
        ("input", "x" * 100_001),
        ("output", ["a list"]),
        ("context", "text"),
        ("context", {"long": "x" * 200_000}),
        ("metadata", [1]),
        ("metadata", {"long": "x" * 20_000}),
        ("status", "finished"),
        ("duration_ms", -1),
        ("duration_ms", "soon"),
        ("input_tokens", 2**31),
        ("output_tokens", 1.5),
        ("cost", -0.1),
        ("cost", 1_000_000),
        ("confidence", 1.01),
        ("config_id", "seven"),
        ("config_id", "01990000-0000-7000-8000-000000000000"),
        ("variant", "x" * 101),
        ("started_at", "99999-01-01T00:00:00Z"),
        ("started_at", "1999-12-31T00:00:00Z"),
        ("started_at", "yesterday"),
        ("decisions", "none"),
        ("decisions", [{"decision_point": "x"}] * 201),
        ("colour", "red"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(
    api: Any, organization: Organization, field: str, value: Any
) -> None:
    answer = api.post(URL, RUN | {field: value}, format="json")
    assert answer.status_code == 400
    assert list(errors(answer)) == [field]
    with organization_scope(organization.id):
        assert Execution.objects.count() == Agent.objects.count() == 0, "a refused request leaves nothing behind"


def test_an_error_inside_a_decision_names_the_place(api: Any) -> None:
    answer = api.post(URL, RUN | {"decisions": [{"decision_point": "a"}, {"confidence": 2}]}, format="json")
    assert set(errors(answer)) == {"decisions.1.decision_point", "decisions.1.confidence"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"agent_id": "a", "input": "nul \\u0000"}', "input"),
        (b'{"agent_id": "a", "metadata": {"half": "\\ud800"}}', "metadata.half"),
        (b'{"agent_id": "a", "metadata": ' + b'{"a":' * 60 + b"1" + b"}" * 61, "metadata.a.a.a"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(api: Any, body: bytes, field: str) -> None:
    answer = api.post(URL, body, content_type="application/json")
    assert answer.status_code == 400
    assert list(errors(answer)) == [field]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"null", b'{"cost": NaN}', b'{"cost": 1e999}', b"[" * 100_000, b"\xff"]
)
def test_a_body_that_is_no_json_object_is_a_bad_request(api: Any, body: bytes) -> None:
    answer = api.post(URL, body, content_type="application/json")
    assert answer.status_code == 400
    errors(answer)


def test_a_body_of_20_megabytes_is_too_large(api: Any) -> None:
    answer = api.post(URL, b'{"input": "' + b"x" * 20_000_000 + b'"}', content_type="application/json")
    assert answer.status_code == 413
    errors(answer)


def test_a_form_is_not_json(api: Any) -> None:
    assert api.post(URL, {"agent_id": "a"}, format=None, content_type="text/csv").status_code == 415


def test_strangers_and_keys_without_the_scope_are_refused(anonymous_api: Any, organization: Organization) -> None:
    reader = api_with(factories.make_key(organization, scopes=["read"]))
    writer = api_with(factories.make_key(organization, scopes=["ingest"]))
    page = api_with(factories.make_key(organization, kind=KeyKind.PUBLISHABLE))
    assert anonymous_api.post(URL, RUN, format="json").status_code == 401
    assert api_with("sk_made_up").post(URL, RUN, format="json").status_code == 401
    assert reader.post(URL, RUN, format="json").status_code == 403
    assert writer.post(URL, RUN, format="json").status_code == 201
    assert [client.get(URL).status_code for client in (writer, page, reader)] == [403, 403, 200]
    assert reader.delete(URL).status_code == 405


def test_a_publishable_key_logs_executions_only_where_an_administrator_says_so(
    api: Any, organization: Organization
) -> None:
    """Whoever reads the page could make up executions, which experts and training would take for real ones."""
    api.post(URL, RUN, format="json")
    item = RUN | {"execution_id": "exec-124"}
    page = api_with(factories.make_key(organization, kind=KeyKind.PUBLISHABLE))
    for path, body in ((URL, item), (f"{URL}/batch", {"items": [item]})):
        answer = page.post(path, body, format="json")
        assert answer.status_code == 403
        assert "scope ingest" in answer.json()["detail"]
    trusted = api_with(factories.make_key(organization, kind=KeyKind.PUBLISHABLE, scopes=["ingest"]))
    assert trusted.post(URL, item, format="json").status_code == 201


def test_a_publishable_key_registers_no_agents(api: Any, organization: Organization) -> None:
    page = api_with(factories.make_key(organization, kind=KeyKind.PUBLISHABLE, scopes=["ingest"]))
    answer = page.post(URL, RUN, format="json")
    assert answer.status_code == 400
    assert list(errors(answer)) == ["agent_id"]
    api.post(URL, RUN, format="json")
    assert page.post(URL, RUN | {"execution_id": "exec-124"}, format="json").status_code == 201


def test_another_organizations_executions_do_not_exist(api: Any, other_api: Any) -> None:
    row = api.post(URL, RUN, format="json").json()
    for name in ("exec-123", row["id"]):
        assert other_api.get(f"{URL}/{name}").status_code == 404
    assert other_api.get(URL).json()["results"] == []


@pytest.mark.parametrize("name", ["none", "a%00b", "01990000-0000-7000-8000-000000000000", "%F0%9F%91%8D", "'"])
def test_an_unknown_execution_is_not_found(api: Any, name: str) -> None:
    assert api.get(f"{URL}/{name}").status_code == 404


def test_the_list_goes_page_by_page_and_filters(api: Any) -> None:
    for number in range(5):
        api.post(URL, RUN | {"execution_id": f"e{number}", "user_id": f"u{number % 2}"}, format="json")
    names = []
    address = f"{URL}?limit=2"
    while address:
        page = api.get(address).json()
        names += [row["execution_id"] for row in page["results"]]
        address = page["next"]
    assert names == ["e4", "e3", "e2", "e1", "e0"]
    shown = api.get(URL, {"agent_id": "agent-456", "user_id": "u1"}).json()["results"]
    assert [row["execution_id"] for row in shown] == ["e3", "e1"]
    assert api.get(URL, {"agent_id": "nobody"}).status_code == 404
    assert api.get(URL, {"status": "odd"}).status_code == 400


@pytest.mark.parametrize("cursor", ["cD1hYmM=", "zzz", "%00", "bz0xMDAwMDAwMA=="])
def test_a_cursor_made_by_hand_is_no_defect_of_ours(api: Any, cursor: str) -> None:
    assert api.get(f"{URL}?cursor={cursor}").status_code in (200, 404)


def test_an_execution_without_a_time_started_now(api: Any) -> None:
    before = timezone.now().isoformat()
    api.post(URL, RUN, format="json")
    assert before[:16] <= api.get(f"{URL}/exec-123").json()["started_at"][:16]


def test_an_address_may_end_with_a_slash(api: Any) -> None:
    assert api.post(f"{URL}/", RUN, format="json").status_code == 201
    assert api.get(f"{URL}/exec-123/").status_code == 200


def test_executions_are_listed_by_time_of_arrival_feedback_and_config(api: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        config = factories.make_config(factories.make_agent(external_id="agent-456"))
    for name, more in (("old", {"config_id": str(config.pk)}), ("middle", {}), ("new", {})):
        assert api.post(URL, RUN | {"execution_id": name} | more, format="json").status_code == 201
    said = {"agent_id": "agent-456", "feedback_type": "thumbs_down", "execution_id": "middle"}
    assert api.post("/api/learning/feedback", said, format="json").status_code == 201

    def names(**query: str) -> list[str]:
        answer = api.get(URL, query)
        assert answer.status_code == 200, answer.json()
        return [row["execution_id"] for row in answer.json()["results"]]

    moment = api.get(f"{URL}/middle").json()["created_at"]
    assert names(to="2020-01-01T00:00:00Z") == []
    assert names(**{"from": "2020-01-01T00:00:00Z"}) == ["new", "middle", "old"]
    assert "new" in names(**{"from": moment})
    assert names(feedback="any") == names(feedback="thumbs_down") == ["middle"]
    assert names(feedback="correction") == []
    assert names(config_id=str(config.pk)) == ["old"]
    assert errors(api.get(URL, {"from": "1066-10-14T00:00:00Z"})).keys() == {"from"}
    assert errors(api.get(URL, {"feedback": "applause"})).keys() == {"feedback"}


def test_one_execution_tells_what_people_said_and_what_was_made_of_it(api: Any, organization: Organization) -> None:
    api.post(URL, RUN | {"decisions": [{"decision_point": str(n)} for n in range(5)]}, format="json")
    said = {
        "agent_id": "agent-456",
        "execution_id": "exec-123",
        "feedback_type": "correction",
        "correction_text": "No.",
    }
    api.post("/api/learning/feedback", said, format="json")
    with organization_scope(organization.id):
        example = LearningExample.objects.get()
        documents = [{"id": "manual", "rank": 1, "score": 0.5}]
        RetrievalEvent.objects.create(
            execution=Execution.objects.get(), external_id="r", query="parcel", documents=documents
        )
        first = Decision.objects.get(position=0)
        first.reasoning = "rewritten: it lies last in the table now"
        first.save()
    shown = api.get(f"{URL}/exec-123").json()
    assert [one["position"] for one in shown["decisions"]] == [0, 1, 2, 3, 4]
    assert shown["retrievals"] == [{"query": "parcel", "documents": documents}]
    assert [(one["feedback_type"], one["correction_text"]) for one in shown["feedback"]] == [("correction", "No.")]
    expected = {"id": str(example.pk), "example_type": "correction", "review_status": "pending"}
    assert shown["examples"] == [expected]


@pytest.mark.parametrize("scopes", [["ingest"], ["feedback"]])
def test_a_key_that_only_sends_reads_no_execution(organization: Organization, scopes: list[str]) -> None:
    client = api_with(factories.make_key(organization, scopes))
    assert client.get(URL).status_code == 403
    assert client.get(f"{URL}/exec-123").status_code == 403


@pytest.mark.parametrize("role", ["member", "expert"])
def test_who_does_not_manage_reads_no_execution(sign_in: Any, role: str) -> None:
    """What people wrote stands there as it came, and what was decided about it."""
    assert sign_in(role).get(URL).status_code == 403
