"""One attempt at work that a worker has claimed, to whichever of its ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError

from learning.engines.errors import Cancelled, EngineError
from organizations.scope import organization_scope
from organizations.stopping import Stopping

Result = TypeVar("Result")
AWAY = (OperationalError, InterfaceError)  # a database that is away for a moment: silence follows, and another attempt


@dataclass(frozen=True)
class Ends(Generic[Result]):
    """What is written at each end, in a scope of its own. `fail` gets the reason, for a person.

    `lost`: raised when the work is another worker's by now. `cancel`: where a person can stop the work.
    """

    finish: Callable[[Result], None]
    fail: Callable[[str], None]
    put_back: Callable[[], None]
    lost: type[Exception]
    cancel: Callable[[], None] | None = None


def attempt(organization_id: UUID, work: Callable[[], Result], ends: Ends[Result]) -> None:
    """Do the work outside of any transaction, then write how it ended.

    A fault of ours is written down and raised; `lost` and faults of the database are only raised.
    """
    try:
        end: Callable[[], None] = partial(ends.finish, work())
    except Stopping:
        end = ends.put_back
    except Cancelled as error:
        end = ends.cancel or partial(ends.fail, str(error))
    except (EngineError, ValueError) as error:
        end = partial(ends.fail, str(error))
    except (ends.lost, *AWAY):
        raise
    except Exception as error:  # the person who waits gets a reason, the log of the worker the traceback
        _write(organization_id, partial(ends.fail, f"Internal error: {type(error).__name__}."))
        raise
    _write(organization_id, end)


def _write(organization_id: UUID, end: Callable[[], None]) -> None:
    with organization_scope(organization_id):
        end()
