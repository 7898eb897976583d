"""Background work of one organization. The row is the message; a task only makes the work start sooner."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from organizations import audit
from organizations.errors import Missing
from organizations.models import Organization
from organizations.scope import current_scope, organization_scope
from organizations.stopping import Stopping

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
# Every task comes by this module: whoever loads one may send it, and the application knows where to.
import_string(settings.TASK_APPLICATION)


class ScopelessTask(RuntimeError):
    """A task of a tenant was sent without saying whose it is."""


def tenant_task(*, name: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A Celery task of one organization: the function receives `organization_id` (UUID) as a keyword.

    It opens no transaction: the body opens short scopes around its reads and writes. `delay_on_commit` never fails
    the request when the broker is away; beat finds the row later.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        def run(*, organization_id: str | None = None, **kwargs: Any) -> Any:
            if organization_id is None:
                raise ScopelessTask(f"{name} needs organization_id")
            if current_scope() is not None:
                raise ScopelessTask(f"{name} was started inside another scope")
            return function(organization_id=UUID(str(organization_id)), **kwargs)

        run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
        task = shared_task(name=name, **options)(run)
        task.delay_on_commit = partial(send_on_commit, task)
        return task

    return decorate


def send_on_commit(task: Any, *, organization_id: UUID | str, **kwargs: Any) -> None:
    """Wake a worker after the commit; a broker that does not answer is logged and nothing is lost."""
    arguments = {"organization_id": str(organization_id)} | {key: _plain(value) for key, value in kwargs.items()}
    transaction.on_commit(lambda: task.delay(**arguments), robust=True)


def find_organization(slug: str) -> UUID:
    """The organization of this name, for commands. Raises Missing."""
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            if Organization.objects.filter(pk=organization_id, slug=slug).exists():
                return organization_id
    raise Missing(f"There is no organization {slug!r}.")


def organization_ids() -> list[UUID]:
    """Every organization, for the sweepers that visit them one by one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM organization_ids() AS id")
        return [row[0] for row in cursor.fetchall()]


def each_organization(work: Callable[[UUID], Answer]) -> list[Answer]:
    """What `work` answers for each organization, for the sweeps of beat; called outside of any scope."""
    return each_one("organization", organization_ids(), work)


def each_one(noun: str, ids: Iterable[UUID], work: Callable[[UUID], Answer]) -> list[Answer]:
    """What `work` answers for each of them; called outside of any scope.

    One for which it fails is named in the log, by the noun and its id, and keeps no other from its turn.
    """
    answers = []
    for one in ids:
        try:
            answers.append(work(one))
        except Stopping:
            raise
        except Exception:
            log.exception("%s failed for %s %s; the next sweep tries again", _name(work), noun, one)
            if not connection.in_atomic_block:  # a connection that broke is made anew for the next one
                connection.close_if_unusable_or_obsolete()
    return answers


@shared_task(name="organizations.seal_audit")
def seal_audit() -> None:
    """Seal the audit of each organization."""
    each_organization(_seal_those_of)


def _seal_those_of(organization_id: UUID) -> None:
    with organization_scope(organization_id):
        audit.seal_events()


def _name(work: Callable[..., Any]) -> str:
    work = work.func if isinstance(work, partial) else work
    return f"{work.__module__}.{work.__qualname__}"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
