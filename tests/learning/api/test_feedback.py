"""POST feedback."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from learning.models import AgentFeedback, Execution, LearningExample
from organizations.models import KeyKind, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with
from tests.learning.api.test_executions import RUN, errors

URL = "/api/learning/feedback"
CORRECTION = {
    "agent_id": "agent-456",
    "execution_id": "exec-123",
    "user_id": "user-7",
    "feedback_type": "correction",
    "correction_text": "In Nantes.",
}
EACH_TYPE = [
    {"feedback_type": "thumbs_up"},
    {"feedback_type": "thumbs_down", "issue_categories": ["incorrect", "tone"]},
    {"feedback_type": "star_rating", "rating": 4},
    {"feedback_type": "detailed_feedback", "accuracy": 5, "helpfulness": 4, "clarity": 3, "completeness": 1},
    {"feedback_type": "correction", "correction_text": "In Nantes."},
    {"feedback_type": "report_issue", "issue_categories": ["hallucination"], "feedback_text": "It made it up."},
]


@pytest.fixture
def run(api: Any) -> str:
    """An execution that is known; its id."""
    return str(api.post("/api/learning/executions", RUN, format="json").json()["id"])


@pytest.mark.parametrize("item", EACH_TYPE, ids=lambda item: item["feedback_type"])
def test_every_type_of_feedback_is_stored(api: Any, run: str, organization: Organization, item: dict[str, Any]) -> None:
    answer = api.post(URL, item | {"execution_id": "exec-123"}, format="json")
    assert answer.status_code == 201
    assert answer.json() == {"feedback_id": answer.json()["feedback_id"], "success": True}
    with organization_scope(organization.id):
        row = AgentFeedback.objects.get()
        assert str(row.pk) == answer.json()["feedback_id"]
        assert str(row.execution_id) == run
        assert row.consent
        for name, value in item.items():
            assert getattr(row, name) == value


def test_a_correction_makes_its_learning_example(api: Any, run: str, organization: Organization) -> None:
    answer = api.post(URL, CORRECTION, format="json").json()
    with organization_scope(organization.id):
        example = LearningExample.objects.get()
        assert str(example.source_feedback_id) == answer["feedback_id"]
        assert str(example.source_execution_id) == run
        assert (example.example_type, example.source_type, example.review_status) == (
            "correction", "user_feedback", "pending",
        )  # fmt: skip
        assert example.input_text == RUN["input"]
        assert example.original_output == RUN["output"]
        assert example.expected_output == "In Nantes."


def test_thumbs_and_stars_alone_make_no_example(api: Any, run: str, organization: Organization) -> None:
    for item in EACH_TYPE:
        if item["feedback_type"] != "correction":
            api.post(URL, item | {"execution_id": "exec-123"}, format="json")
    with organization_scope(organization.id):
        assert AgentFeedback.objects.count() == 5
        assert LearningExample.objects.count() == 0


def test_nothing_is_learned_without_consent(api: Any, run: str, organization: Organization) -> None:
    api.post(URL, CORRECTION | {"consent": False}, format="json")
    with organization_scope(organization.id):
        assert not AgentFeedback.objects.get().consent
        assert LearningExample.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_correction_whose_example_fails_is_not_stored_either(
    api: Any, run: str, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with organization_scope(organization.id):
        taken = factories.make_example(factories.make_agent()).pk
    monkeypatch.setattr("learning.services.quick_feedback.uuid7", lambda: taken)  # an id that the example cannot have
    api.raise_request_exception = False
    assert api.post(URL, CORRECTION, format="json").status_code == 500
    with organization_scope(organization.id):
        assert (AgentFeedback.objects.count(), LearningExample.objects.count()) == (0, 1)


@pytest.mark.parametrize("way", ["header", "idempotency_key", "id"])
def test_the_same_key_twice_gives_the_same_answer_and_one_row(
    api: Any, run: str, organization: Organization, way: str
) -> None:
    body = CORRECTION if way == "header" else CORRECTION | {way: "key-1"}
    headers = {"Idempotency-Key": "key-1"} if way == "header" else {}
    first, second = (api.post(URL, body, format="json", headers=headers) for _ in range(2))
    assert (first.status_code, first.json()) == (201, second.json())
    assert second.status_code == 201
    with organization_scope(organization.id):
        assert AgentFeedback.objects.count() == LearningExample.objects.count() == 1


def test_the_same_key_with_another_content_is_a_conflict(api: Any, run: str, organization: Organization) -> None:
    headers = {"Idempotency-Key": "key-1"}
    api.post(URL, CORRECTION, format="json", headers=headers)
    answer = api.post(URL, CORRECTION | {"correction_text": "In Nice."}, format="json", headers=headers)
    assert answer.status_code == 409
    assert list(errors(answer)) == ["idempotency_key"]
    with organization_scope(organization.id):
        assert AgentFeedback.objects.get().correction_text == "In Nantes."


def test_two_organizations_may_use_the_same_key(api: Any, other_api: Any) -> None:
    for client in (api, other_api):
        body = {"agent_id": "a", "feedback_type": "thumbs_up", "id": "key-1"}
        assert client.post(URL, body, format="json").status_code == 201


def test_without_a_key_each_request_is_feedback_of_its_own(api: Any, run: str, organization: Organization) -> None:
    answers = [api.post(URL, EACH_TYPE[0] | {"execution_id": "exec-123"}, format="json").json() for _ in range(2)]
    assert answers[0] != answers[1]


def test_a_repeated_request_stays_the_same_after_its_execution_came(api: Any, organization: Organization) -> None:
    body = CORRECTION | {"id": "key-1"}
    first = api.post(URL, body, format="json")
    api.post("/api/learning/executions", RUN, format="json")
    assert api.post(URL, body, format="json").json() == first.json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("feedback_type", "applause"),
        ("feedback_type", None),
        ("feedback_type", ["correction"]),
        ("rating", 0),
        ("rating", 6),
        ("rating", "many"),
        ("accuracy", 6),
        ("helpfulness", 0),
        ("clarity", 1.5),
        ("completeness", -1),
        ("feedback_text", "x" * 100_001),
        ("feedback_text", 5 * [1]),
        ("correction_text", "x" * 100_001),
        ("correction_text", ""),
        ("correction_text", " \n "),
        ("issue_categories", "incorrect"),
        ("issue_categories", ["incorrect"] * 10_000),
        ("issue_categories", ["boring"]),
        ("user_id", "x" * 201),
        ("agent_id", "x" * 201),
        ("execution_id", "x" * 201),
        ("idempotency_key", "x" * 201),
        ("consent", "perhaps"),
        ("stars", 3),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(
    api: Any, run: str, organization: Organization, field: str, value: Any
) -> None:
    answer = api.post(URL, CORRECTION | {field: value}, format="json")
    assert answer.status_code == 400
    assert list(errors(answer)) == [field]
    with organization_scope(organization.id):
        assert AgentFeedback.objects.count() == 0


def test_a_nul_in_a_text_is_refused_with_its_place(api: Any) -> None:
    answer = api.post(URL, CORRECTION | {"feedback_text": "a\x00b"}, format="json")
    assert list(errors(answer)) == ["feedback_text"]


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "grüße", "two\tparts"])
def test_a_key_that_is_no_printable_text_is_refused(api: Any, run: str, key: str) -> None:
    answer = api.post(URL, CORRECTION, format="json", headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert list(errors(answer)) == ["Idempotency-Key"]


def test_two_different_keys_for_one_request_are_refused(api: Any, run: str) -> None:
    answer = api.post(URL, CORRECTION | {"id": "one"}, format="json", headers={"Idempotency-Key": "two"})
    assert list(errors(answer)) == ["idempotency_key"]
    assert list(errors(api.post(URL, CORRECTION | {"id": "one", "idempotency_key": "two"}, format="json"))) == ["id"]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"feedback_type": "star_rating"}, "rating"),
        ({"feedback_type": "report_issue"}, "issue_categories"),
        ({"feedback_type": "detailed_feedback"}, "feedback_text"),
        ({"feedback_type": "correction"}, "correction_text"),
    ],
)
def test_each_type_needs_what_it_is_about(api: Any, run: str, item: dict[str, Any], field: str) -> None:
    assert list(errors(api.post(URL, item | {"execution_id": "exec-123"}, format="json"))) == [field]


def test_an_issue_is_reported_by_category_or_by_text(api: Any, run: str) -> None:
    about = {"execution_id": "exec-123", "feedback_type": "report_issue"}
    assert api.post(URL, about | {"issue_categories": ["unsafe"]}, format="json").status_code == 201
    assert api.post(URL, about | {"feedback_text": "It is rude."}, format="json").status_code == 201


def test_an_organization_has_categories_of_its_own(api: Any, other_api: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        Organization.objects.filter(pk=organization.pk).update(issue_categories=["too_salty"])
    body = {"agent_id": "cook", "feedback_type": "report_issue", "issue_categories": ["too_salty", "other"]}
    assert api.post(URL, body, format="json").status_code == 201
    assert list(errors(other_api.post(URL, body, format="json"))) == ["issue_categories"]


class TestWhichExecution:
    def test_the_agent_may_be_left_out_when_the_execution_is_known(self, api: Any, run: str) -> None:
        for name in ("exec-123", run):
            body = {"execution_id": name, "feedback_type": "thumbs_up"}
            assert api.post(URL, body, format="json").status_code == 201

    def test_of_an_unknown_execution_the_agent_must_be_named(self, api: Any) -> None:
        answer = api.post(URL, {"execution_id": "later", "feedback_type": "thumbs_up"}, format="json")
        assert list(errors(answer)) == ["agent_id"]

    def test_something_must_be_named(self, api: Any) -> None:
        assert list(errors(api.post(URL, {"feedback_type": "thumbs_up"}, format="json"))) == ["agent_id"]

    def test_a_name_that_two_agents_use_needs_the_agent(self, api: Any, run: str, organization: Organization) -> None:
        api.post("/api/learning/executions", RUN | {"agent_id": "another"}, format="json")
        body = {"execution_id": "exec-123", "feedback_type": "thumbs_up"}
        assert list(errors(api.post(URL, body, format="json"))) == ["agent_id"]
        assert api.post(URL, body | {"agent_id": "another"}, format="json").status_code == 201
        with organization_scope(organization.id):
            assert AgentFeedback.objects.get().agent.external_id == "another"

    def test_an_execution_of_another_agent_is_refused(self, api: Any, run: str) -> None:
        body = {"execution_id": run, "feedback_type": "thumbs_up", "agent_id": "another"}
        assert list(errors(api.post(URL, body, format="json"))) == ["execution_id"]

    def test_an_execution_of_another_organization_is_not_known(
        self, api: Any, other_api: Any, run: str, other_organization: Organization
    ) -> None:
        for name in ("exec-123", run):
            body = {"execution_id": name, "feedback_type": "thumbs_up"}
            assert list(errors(other_api.post(URL, body, format="json"))) == ["agent_id"]
            assert other_api.post(URL, body | {"agent_id": "mine"}, format="json").status_code == 201
        with organization_scope(other_organization.id):
            assert set(AgentFeedback.objects.values_list("execution", flat=True)) == {None}
            assert Execution.objects.count() == 0


class TestSettings:
    def switch(self, monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
        monkeypatch.setitem(settings.LEARNING, "feedback", settings.LEARNING["feedback"] | values)

    def post(self, api: Any, **item: Any) -> dict[str, str]:
        answer = api.post(URL, {"execution_id": "exec-123"} | item, format="json")
        return {} if answer.status_code == 201 else errors(answer)

    def test_feedback_may_be_switched_off(self, api: Any, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.switch(monkeypatch, enabled=False)
        assert "feedback.enabled" in self.post(api, feedback_type="thumbs_up")["feedback_type"]

    def test_corrections_may_be_switched_off(self, api: Any, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.switch(monkeypatch, enable_corrections=False)
        refused = self.post(api, feedback_type="correction", correction_text="x")
        assert "feedback.enable_corrections" in refused["feedback_type"]
        assert not self.post(api, feedback_type="thumbs_up")

    def test_a_rating_may_be_required(self, api: Any, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
        correction = {"feedback_type": "correction", "correction_text": "x"}
        assert not self.post(api, **correction)
        self.switch(monkeypatch, require_rating=True)
        assert list(self.post(api, **correction)) == ["rating"]
        assert not self.post(api, **correction, rating=2)
        assert not self.post(api, feedback_type="thumbs_up"), "a thumb is a rating"

    def test_where_a_rating_is_required_a_low_one_needs_a_reason(
        self, api: Any, run: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert not self.post(api, feedback_type="star_rating", rating=1)
        self.switch(monkeypatch, require_rating=True, require_rating_threshold=3)
        assert list(self.post(api, feedback_type="star_rating", rating=3)) == ["feedback_text"]
        assert not self.post(api, feedback_type="star_rating", rating=3, feedback_text="Too long.")
        assert not self.post(api, feedback_type="star_rating", rating=4)


class TestWho:
    def test_a_key_needs_the_scope_ingest(self, anonymous_api: Any, organization: Organization, run: str) -> None:
        thumb = {"execution_id": "exec-123", "feedback_type": "thumbs_up"}
        reader = api_with(factories.make_key(organization, scopes=["read"]))
        assert anonymous_api.post(URL, thumb, format="json").status_code == 401
        assert reader.post(URL, thumb, format="json").status_code == 403
        assert reader.get(URL).status_code == 405

    def test_a_publishable_key_works_in_the_pages_of_its_origins(self, organization: Organization, run: str) -> None:
        key = factories.make_key(organization, kind=KeyKind.PUBLISHABLE, allowed_origins=["https://shop.example"])
        page = api_with(key)
        thumb = {"execution_id": "exec-123", "feedback_type": "thumbs_up"}

        def status(**headers: str) -> int:
            return int(page.post(URL, thumb, format="json", headers=headers).status_code)

        assert status(Origin="https://shop.example") == 201
        assert status(Origin="https://evil.example") == 403
        assert status() == 403

    def test_a_publishable_key_registers_no_agents(self, organization: Organization) -> None:
        page = api_with(factories.make_key(organization, kind=KeyKind.PUBLISHABLE))
        answer = page.post(URL, {"agent_id": "made up", "feedback_type": "thumbs_up"}, format="json")
        assert list(errors(answer)) == ["agent_id"]

    def test_a_page_may_ask_from_another_origin_before_it_sends(self, anonymous_api: Any) -> None:
        headers = {
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
        }
        answer = anonymous_api.options(URL, headers=headers)
        assert answer.status_code == 200
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "idempotency-key" in answer["Access-Control-Allow-Headers"]

    def test_a_signed_in_member_gives_feedback_with_the_pages_token(self, sign_in: Any, run: str) -> None:
        client = sign_in("member")
        thumb = {"execution_id": "exec-123", "feedback_type": "thumbs_up"}
        assert client.post(URL, thumb, content_type="application/json").status_code == 201
        client.handler.enforce_csrf_checks = True
        assert client.post(URL, thumb, content_type="application/json").status_code == 403
