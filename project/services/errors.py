"""What goes wrong with a server, said to the person at the keyboard."""

from __future__ import annotations


class ServiceError(Exception):
    """A server cannot run. The message says what happened and what to do about it."""
