"""The agent "editor": real people's edits, and what three real reviewers decided about them.

Nothing is simulated here but the accounts: the edits and decisions are imported from the set in data/. A part is left
without its decisions, so that the review desk has true work to show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from annotation.models import Decision
from annotation.services.filling import fill_queue
from annotation.services.opinions import Opinion
from annotation.services.queues import default_queue
from annotation.services.records import record_annotation
from learning.models import Agent, ExampleType, LearningExample, SourceType
from learning.services.agent_directory import create_agent
from learning.services.examples import create_example
from organizations.models import Role, User
from organizations.scope import organization_scope
from organizations.services import add_member
from project.demo.client import Client
from project.demo.data import REVIEWERS, Edit

AGENT, DOMAIN = "editor", "copy editing"
SOURCE = "IteraTeR (Apache-2.0)"


def import_edits(
    client: Client, organization_id: UUID, edits: Sequence[Edit], pending: int, tick: Callable[[int], None]
) -> int:
    """Executions and feedback through the API, examples and annotations through the services; how many edits were new.

    The last `pending` edits wait in the review queue. What is there already is not imported again.
    """
    with organization_scope(organization_id):
        agent = Agent.objects.filter(external_id=AGENT).first() or create_agent(
            external_id=AGENT, name="Editor", domain=DOMAIN, task_types=["editing"], description=f"Edits from {SOURCE}."
        )
        known = set(LearningExample.objects.filter(agent=agent).values_list("source_execution__external_id", flat=True))
        reviewers = {name: _reviewer(name) for name in REVIEWERS}
    fresh = [(position, edit) for position, edit in enumerate(edits) if edit.key not in known]
    for position, edit in fresh:
        decided = position < len(edits) - pending
        _report(client, edit, decided)
        with organization_scope(organization_id):
            example = _example(agent, edit)
            if decided:
                _annotate(example, edit, reviewers)
        tick(1)
    with organization_scope(organization_id):
        queue = default_queue()
        if queue is not None:
            fill_queue(queue=queue)
    return len(fresh)


def _report(client: Client, edit: Edit, decided: bool) -> None:
    """What the agent did, and thumbs of those who decided about it."""
    client.log_execution(
        agent=AGENT,
        execution_id=edit.key,
        user_id="iterater",
        input=edit.before,
        output=edit.after,
        metadata={"intent": edit.intent, "source": SOURCE},
    )
    for name, accepted in edit.decisions.items() if decided else ():
        client.send_feedback(
            agent=AGENT,
            execution_id=edit.key,
            user_id=name,
            feedback_type="thumbs_up" if accepted else "thumbs_down",
            idempotency_key=f"{edit.key}-{name}",
        )


def _example(agent: Agent, edit: Edit) -> LearningExample:
    return create_example(
        agent=agent,
        example_type=ExampleType.POSITIVE,
        source_type=SourceType.IMPORT,
        execution_id=edit.key,
        input_text=edit.before,
        original_output=edit.after,
        expected_output=edit.after,
        task_type="editing",
        tags=[edit.intent],
    )


def _annotate(example: LearningExample, edit: Edit, reviewers: dict[str, User]) -> None:
    for name, accepted in edit.decisions.items():
        decision = Decision.APPROVE if accepted else Decision.REJECT
        note = f"Imported from {SOURCE}: the decision of its reviewer {name[-1]}."
        record_annotation(expert=reviewers[name], example=example, opinion=Opinion(decision=decision, notes=note))


def _reviewer(name: str) -> User:
    """An account for the history; nobody can sign in with it."""
    user, created = User.objects.get_or_create(
        username=f"demo-{name.replace('_', '-')}", defaults={"first_name": "Demo", "last_name": name.replace("_", " ")}
    )
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
        add_member(user=user, role=Role.EXPERT)
    return user
