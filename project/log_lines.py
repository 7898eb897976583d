"""How requests that were refused stand in the log."""

from __future__ import annotations

import logging

from django.core.exceptions import PermissionDenied


class RefusalInOneLine(logging.Filter):
    """A refusal is an answer and no defect: its record keeps the reason and loses the traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, PermissionDenied):
            record.msg, record.args = "%s: %s", (record.getMessage(), error)
            record.exc_info = None
        return True
