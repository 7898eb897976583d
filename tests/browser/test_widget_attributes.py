"""What a page chooses: parts, categories, texts, languages and directions, consent, its own way of sending."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from learning.models import AgentFeedback
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.browser.elsewhere import Host, aster, host, product, says, stored

__all__ = ["aster", "host", "product"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_choice_can_be_taken_back(host: Host) -> None:
    widget = host.show(show="stars")
    widget.get_by_role("button", name="Say more").click()
    star = widget.get_by_text("3 stars").locator("xpath=..")
    star.click()
    expect(widget.get_by_role("radio", name="3 stars")).to_be_checked()
    star.click()
    expect(widget.get_by_role("radio", name="3 stars")).not_to_be_checked()
    widget.get_by_role("radio", name="2 stars").focus()
    host.page.keyboard.press("Space")
    expect(widget.get_by_role("radio", name="2 stars")).to_be_checked()
    host.page.keyboard.press("Space")
    expect(widget.get_by_role("radio", name="2 stars")).not_to_be_checked()


def test_it_speaks_german_from_right_to_left_and_shows_words_in_their_own_direction(host: Host) -> None:
    widget = host.show("agent-output", root='lang="de-AT" dir="rtl"', output="يستغرق عشرة أيام.")
    up = widget.get_by_role("button", name="Gute Antwort")
    down = widget.get_by_role("button", name="Schlechte Antwort")
    expect(up).to_be_visible()
    assert (up.bounding_box() or {})["x"] > (down.bounding_box() or {})["x"]
    widget.get_by_role("button", name="Mehr sagen").click()
    expect(widget.get_by_role("radio", name="1 Stern", exact=True)).to_be_attached()
    expect(widget.get_by_text("Erfunden")).to_be_visible()
    assert widget.locator("[lang]").first.get_attribute("lang") == "de"
    # German words keep their order: a sentence's end stands on its right.
    assert widget.locator("legend").first.evaluate("(one) => getComputedStyle(one).unicodeBidi") == "plaintext"
    text = host.page.locator("agent-output").locator(".text")
    assert text.evaluate("(one) => getComputedStyle(one).direction") == "rtl"
    english = host.show("agent-output", root='lang="en"', output="يستغرق عشرة أيام.")
    expect(english.get_by_role("button", name="Good answer")).to_be_visible()
    assert text.evaluate("(one) => getComputedStyle(one).direction") == "rtl"


def test_a_page_gives_it_a_language_and_single_texts(host: Host) -> None:
    widget = host.show(root='lang="fr"')
    expect(widget.get_by_role("button", name="Good answer")).to_be_visible()  # until the page adds French
    widget.evaluate(
        """(element) => {
          customElements.get("agent-feedback").addTexts("fr", { up: "Bonne réponse", issue: { tone: "Ton" } });
          element.texts = { down: "Bof" };
        }"""
    )
    expect(widget.get_by_role("button", name="Bonne réponse")).to_be_visible()
    expect(widget.get_by_role("button", name="Bof")).to_be_visible()
    expect(widget.get_by_role("button", name="Say more")).to_be_visible()


@pytest.mark.parametrize(
    ("show", "buttons", "fields"),
    [
        ("thumbs", ["Good answer", "Bad answer"], []),
        ("correction", ["Correct it"], []),
        ("stars comment", ["Say more"], ["stars", "comment"]),
        ("thumbs, dimensions", ["Good answer", "Bad answer", "Say more"], ["dimensions"]),
    ],
)
def test_an_attribute_chooses_the_parts(host: Host, show: str, buttons: list[str], fields: list[str]) -> None:
    widget = host.show(show=show)
    expect(widget.get_by_role("button")).to_have_count(len(buttons))
    assert [one.inner_text() for one in widget.get_by_role("button").all()] == buttons
    if fields:
        widget.get_by_role("button", name="Say more").click()
    seen = {"stars": ".stars", "dimensions": "details", "issues": ".chips", "comment": "form textarea:visible"}
    assert [name for name, selector in seen.items() if widget.locator(selector).count()] == fields


def test_an_organizations_own_categories_are_offered(host: Host, aster: Organization) -> None:
    with organization_scope(aster.id):
        aster.issue_categories = ["wrong_size"]
        aster.save()
    widget = host.show(issues="incorrect wrong_size")
    widget.get_by_role("button", name="Say more").click()
    expect(widget.get_by_role("checkbox")).to_have_count(2)
    widget.get_by_text("Wrong size").click()
    widget.get_by_role("button", name="Send", exact=True).click()
    says(widget, "Thank you.")
    assert stored(aster)[0]["issue_categories"] == ["wrong_size"]


def test_refused_consent_travels_with_the_feedback(host: Host, aster: Organization) -> None:
    widget = host.show(consent="no")
    widget.get_by_role("button", name="Good answer").click()
    says(widget, "Thank you.")
    with organization_scope(aster.id):
        assert AgentFeedback.objects.get().consent is False


def test_the_page_may_send_in_its_own_way(host: Host, aster: Organization) -> None:
    widget = host.show()
    widget.evaluate(
        """(one) => one.addEventListener("feedback-send", (event) => {
          event.preventDefault();
          window.got = event.detail;
        })"""
    )
    widget.get_by_role("button", name="Good answer").click()
    assert host.page.evaluate("got.type") == "thumbs_up"
    assert stored(aster) == []


def test_an_answer_that_comes_word_by_word_keeps_what_was_said(host: Host, aster: Organization) -> None:
    widget = host.show("agent-output", content="The refund", output="")
    widget.get_by_role("button", name="Good answer").click()
    says(widget, "Thank you.")
    host.page.locator("agent-output").evaluate("(one) => one.append(' takes <b>ten</b> days.')")
    text = host.page.locator("agent-output .text")
    expect(text).to_have_text("The refund takes <b>ten</b> days.")
    assert text.locator("b").count() == 0
    expect(widget.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    widget.get_by_role("button", name="Correct it").click()
    expect(widget.get_by_label("A better answer")).to_have_value("The refund takes <b>ten</b> days.")
