"""What services raise for callers to show: a message that says what was wrong and what to do."""

from __future__ import annotations

# The connection may break at the very commit, so this does not say that nothing was stored.
DATABASE_AWAY = (
    "The database is not reachable at the moment. Send the request again; with an idempotency key it is stored once."
)
_LOCKED = (
    "The database is busy: another request holds what this one needs. "
    "Send the request again; with an idempotency key it is stored once."
)
_SLOW = (
    "The database is busy: this took longer than it may. Send the request again, for less at a time where it can be "
    "less; with an idempotency key it is stored once."
)
_BUSY = {  # by SQLSTATE
    "55P03": _LOCKED,  # lock_timeout
    "40P01": _LOCKED,  # a deadlock, which this request lost
    "40001": _LOCKED,  # what it read was changed meanwhile
    "57014": _SLOW,  # statement_timeout
}


def database_trouble(error: Exception) -> str:
    """What a caller is told after an OperationalError: that the database is busy, or else that it is away."""
    return _BUSY.get(getattr(error.__cause__, "sqlstate", None) or "", DATABASE_AWAY)


class Refused(Exception):
    """The request cannot be done as asked. `field` names the part at fault, where there is one."""

    status = 400

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message, self.field = message, field


class Conflict(Refused):
    """The request was understood, but the state of things speaks against it."""

    status = 409


class Missing(Refused):
    """What the request names does not exist for this organization."""

    status = 404


class Forbidden(Refused):
    """Whoever asks may not do this, whatever the state of things."""

    status = 403
