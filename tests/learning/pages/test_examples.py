"""The list of examples, the page of one, near-duplicates, and one action on many."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learning.models import Agent, Job, LearningExample, QualityFlag, ReviewStatus, SourceType, SplitAssignment
from learning.models.examples import CAME_FROM
from learning.services import example_search
from learning.services.example_words import are_words_indexed
from learning.services.preparation import prepare_waiting
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.planning import learn_statistics

LIST = "/admin/learning/examples/"
FILM = "The film was long, loud and far too expensive to see twice"


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(name="Critic")


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_managers_see_the_list_and_experts_could_look_up_gold_answers_so_they_do_not(
    sign_in: Any, agent: Agent
) -> None:
    example = factories.make_example(agent, input_text="How long does it take?", tags=["time"])
    page = text(sign_in("manager").get(LIST))
    assert "How long does it take?" in page and "not prepared yet" in page and ">time<" in page
    for path in (LIST, f"{LIST}{example.pk}/", f"{LIST}clusters/", f"{LIST}bulk/"):
        assert sign_in("expert").get(path).status_code == 403


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"a", "b", "c"}),
        ({"status": "approved"}, {"b"}),
        ({"type": "negative"}, {"c"}),
        ({"source": "import"}, {"c"}),
        ({"domain": "cars"}, {"a", "b"}),
        ({"task_type": "sum"}, {"a"}),
        ({"tag": "red"}, {"b"}),
        ({"quality_from": "0.5"}, {"b"}),
        ({"quality_to": "0.5"}, {"a"}),
        ({"flag": "any"}, {"c"}),
        ({"flag": "none"}, {"a", "b"}),
        ({"flag": "unsafe"}, {"c"}),
        ({"redacted": "any"}, {"a"}),
        ({"redacted": "EMAIL"}, {"a"}),
        ({"redacted": "IBAN"}, set()),
        ({"near": "bridge"}, {"b"}),
        ({"since": "2020-01-01", "until": "2020-01-02"}, set()),
        ({"since": "2020-01-01", "status": "pending", "domain": "cars"}, {"a"}),
    ],
)
def test_each_filter_leaves_what_it_says(agent: Agent, filters: dict[str, str], found: set[str]) -> None:
    factories.make_example(
        agent, external_id="a", domain="cars", task_type="sum", quality_score=0.2, redaction_found={"EMAIL": 1}
    )
    factories.make_example(
        agent, external_id="b", domain="cars", tags=["red"], quality_score=0.9, is_bridge=True,
        review_status=ReviewStatus.APPROVED,
    )  # fmt: skip
    factories.make_example(
        agent, external_id="c", example_type="negative", source_type="import", quality_flags=[QualityFlag.UNSAFE]
    )
    rows = example_search.narrow(LearningExample.objects.all(), filters)
    assert set(rows.values_list("external_id", flat=True)) == found


def test_a_filter_without_sense_is_told_left_out_of_the_list_and_stops_an_action(sign_in: Any, agent: Agent) -> None:
    factories.make_example(agent)
    client = sign_in("manager")
    page = text(client.get(LIST, {"status": "nonsense"}))
    assert page.count('data-testid="example"') == 1 and "The list goes without this filter." in page
    answer = client.get(f"{LIST}bulk/", {"status": "nonsense"}, follow=True)
    assert answer.redirect_chain and "Choose the examples again." in text(answer)


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize(
    ("asked", "found"),
    [("refund", 1), ("refu WEEKS", 1), ("fund", 0), ("refund cars", 0), ("'; drop & ! |", 0), ("ten", 1), ("  ", 2)],
)
def test_words_are_found_by_their_beginnings_with_the_index_and_without(
    agent: Agent, monkeypatch: Any, asked: str, found: int, indexed: bool
) -> None:
    factories.make_example(agent, input_text="How long do refunds take?", expected_output="Ten weeks")
    factories.make_example(agent, input_text="Do you sell cars?")
    prepare_waiting()
    monkeypatch.setattr(example_search, "are_words_indexed", lambda: indexed)
    assert len(example_search.find_examples(wanted={"find": asked}).rows) == found
    assert example_search.count_examples(wanted={"find": asked}).count == found


@pytest.mark.django_db(transaction=True)
def test_the_embedded_database_uses_the_index_for_words() -> None:
    organization = factories.make_organization()
    assert are_words_indexed()
    with organization_scope(organization.pk), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO learning_examplewords SELECT %s, gen_random_uuid(), to_tsvector('simple', md5(n::text))"
            " FROM generate_series(1, 5000) n",
            [organization.pk],
        )
    learn_statistics("learning_examplewords")
    with organization_scope(organization.pk), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # the table is small
        cursor.execute(
            "EXPLAIN SELECT example_id FROM learning_examplewords WHERE words @@ to_tsquery('simple', 'refund')"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "example_words_found" in plan and "Filter: (words" not in plan


def test_only_so_many_are_looked_at_and_the_rest_is_one_click_away(
    sign_in: Any, agent: Agent, monkeypatch: Any
) -> None:
    oldest = factories.make_example(agent, domain="cars", input_text="The oldest one")
    for _ in range(6):
        factories.make_example(agent)
    monkeypatch.setattr(example_search, "MOST_LOOKED_AT", 4)
    first = example_search.find_examples(wanted={"domain": "cars"})
    assert (first.rows, first.looked_at) == ([], 4)
    second = example_search.find_examples(wanted={"domain": "cars"}, before=first.before)
    assert ([row.pk for row in second.rows], second.before) == ([oldest.pk], None)
    page = text(sign_in("manager").get(LIST, {"domain": "cars"}))
    assert "None among these" in page and "Look further" in page


def test_a_page_costs_the_same_however_many_rows_it_shows(sign_in: Any, agent: Agent) -> None:
    client = sign_in("manager")
    factories.make_example(agent)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for _ in range(30):
        factories.make_example(agent)
    with CaptureQueriesContext(connection) as many:
        client.get(LIST)
    assert len(many) == len(few)


def test_the_number_of_matches_is_counted_up_to_a_bound(sign_in: Any, agent: Agent, monkeypatch: Any) -> None:
    for _ in range(4):
        factories.make_example(agent, domain="cars")
    client = sign_in("manager")
    counted = client.get(LIST, {"domain": "cars", "count": "1"}, headers={"HX-Request": "true"})
    assert "4 match<" in text(counted)
    assert example_search.count_examples(wanted={}, most=3) == example_search.Counted(3, more=True)


def test_an_action_on_all_that_match_is_started_from_the_list(sign_in: Any, agent: Agent) -> None:
    one, left_out = factories.make_example(agent, domain="cars"), factories.make_example(agent, domain="cars")
    client = sign_in("manager")
    address = f"{LIST}bulk/?domain=cars&pick={left_out.pk}&which=except"
    assert "Act on 1 example" in text(client.get(address))
    page = text(client.post(address, {"action": "tag", "tags": "urgent, slow"}, follow=True))
    assert "Tag examples: urgent, slow" in page
    request = Job.objects.get().request
    assert request["except"] == [str(left_out.pk)] and request["filter"] == {"domain": "cars"}
    assert request["up_to"] >= str(one.pk)


@pytest.mark.parametrize(
    ("form", "error"),
    [({"action": "tag"}, "Name 1 to 50 tags"), ({"action": "delete"}, "Say that you are sure"), ({}, "required")],
)
def test_an_action_without_what_it_needs_is_explained(sign_in: Any, agent: Agent, form: Any, error: str) -> None:
    assert error in text(sign_in("manager").post(f"{LIST}bulk/", form))
    assert not Job.objects.exists()


def test_the_page_of_an_example_shows_what_changed_and_what_happened(sign_in: Any, agent: Agent) -> None:
    example = factories.make_example(
        agent, original_output="It takes ten days", expected_output="It takes five days", quality_flags=["unsafe"],
        redaction_found={"EMAIL": 2}, predicted_quality=0.75,
    )  # fmt: skip
    page = text(sign_in("manager").get(f"{LIST}{example.pk}/"))
    for expected in ("<del>ten</del>", "<ins>five</ins>", "Unsafe", "2 redacted", "0.75", "No other example resembles"):
        assert expected in page, expected


def test_the_split_of_an_example_is_for_administrators(sign_in: Any, agent: Agent) -> None:
    for number in range(60):
        factories.make_example(agent, review_status=ReviewStatus.APPROVED, input_text=f"Film {number * 7919} was good")
    version = factories.publish_version(dataset=factories.create_dataset(name="Films", agent=agent))
    sealed = version.items.filter(split="test").first()
    assert sealed is not None
    page = f"{LIST}{sealed.example_id}/"
    cluster = f"{LIST}clusters/{sealed.cluster_key}/"
    assert "sealed" in text(sign_in("admin").get(page)) and "sealed" in text(sign_in("admin").get(cluster))
    for address in (page, cluster):
        told = text(sign_in("manager").get(address)).lower()
        assert "sealed" not in told and "split:" not in told
    assert ">Films, version 1</option>" in text(sign_in("manager").get(LIST))
    learned = version.items.filter(split="train").first()
    assert learned is not None
    assert "split:" not in text(sign_in("manager").get(f"{LIST}{learned.example_id}/")).lower()


def test_a_person_chooses_who_stands_for_near_duplicates(sign_in: Any, agent: Agent) -> None:
    first, second = factories.make_example(agent, input_text=FILM), factories.make_example(agent, input_text=FILM + "!")
    factories.make_example(agent, input_text="Something else entirely about boats")
    prepare_waiting()
    client = sign_in("manager")
    listed = text(client.get(f"{LIST}clusters/"))
    assert listed.count('data-testid="cluster"') == 1 and "nobody chosen" in listed
    page = text(client.post(f"{LIST}{second.pk}/choose", follow=True))
    assert "stands for its near-duplicates" in page and page.count('data-testid="member"') == 2 and "% alike" in page
    client.post(f"{LIST}{first.pk}/choose")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_representative, second.is_representative) == (True, False)
    event = AuditEvent.objects.filter(action="example.chosen").order_by("-id")[0]
    assert event.before == {"representative": [str(second.pk)]}
    assert "No example stands for" in text(client.post(f"{LIST}{first.pk}/choose", follow=True))


def test_an_example_that_lies_in_no_cluster_cannot_stand_for_one(sign_in: Any, agent: Agent) -> None:
    example = factories.make_example(agent)
    assert "Only an example that was prepared and is no bridge" in text(
        sign_in("manager").post(f"{LIST}{example.pk}/choose", follow=True)
    )


def test_bridges_are_explained(sign_in: Any, agent: Agent) -> None:
    example = factories.make_example(agent, is_bridge=True, cluster_key="k")
    SplitAssignment.objects.create(key="k", split="train")
    client = sign_in("manager")
    assert "1 example is a bridge" in text(client.get(f"{LIST}clusters/"))
    assert "A bridge: it resembles" in text(client.get(f"{LIST}{example.pk}/"))


def test_people_read_of_near_duplicates_and_never_of_clusters(sign_in: Any, agent: Agent) -> None:
    first = factories.make_example(agent, input_text=FILM)
    factories.make_example(agent, input_text=FILM + " indeed")
    prepare_waiting()
    first.refresh_from_db()
    client = sign_in("manager")
    for address in (LIST, f"{LIST}clusters/", f"{LIST}clusters/{first.cluster_key}/", f"{LIST}{first.pk}/"):
        page = client.get(address).content.decode()
        read = re.sub(r"<[^>]*>", " ", page).lower()
        assert "near-duplicate" in read and "cluster" not in read, address


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import", "from a file or the API."),
        ("expert_review", "from an expert's review."),
        ("synthetic", "from a language model."),
    ],
)
def test_an_example_says_where_it_came_from(sign_in: Any, agent: Agent, source: str, said: str) -> None:
    example = factories.make_example(agent, source_type=source)
    assert said in html.unescape(text(sign_in("manager").get(f"{LIST}{example.pk}/")))


def test_every_source_has_words() -> None:
    assert CAME_FROM.keys() == set(SourceType)
