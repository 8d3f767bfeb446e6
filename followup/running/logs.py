"""Log lines: one JSON object each, with ids and never with what people wrote or are called."""

import json
import logging
import traceback
from datetime import UTC, datetime

from django.conf import settings

from followup.core import trace

KNOWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "data"}


def _message(record: logging.LogRecord) -> str:
    if isinstance(failed := getattr(record, "data", None), dict) and "exc" in failed:
        return f"task {failed.get('name')} {failed.get('description', 'failed')}"
    message = record.getMessage()
    request = getattr(record, "request", None)
    if match := getattr(request, "resolver_match", None):
        return message.replace(request.path, match.route)
    return message


class Lines(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message, and whatever was given as `extra`; `trace` names the request that began
    it, in every process, and `task` the worker's task.

    Of an exception only its kind and where it rose: its text may quote a row. Demo and tests show the text. Celery puts text and
    arguments of what failed into the message as well, Django the address that was asked for: of the one the task is said, of the other
    the route.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        line |= {name: value for name, value in (("trace", trace.current()), ("task", trace.task())) if value}
        line |= {name: value for name, value in vars(record).items() if name not in KNOWN}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(record.exc_info[2])]
            if settings.FOLLOWUP_DEMO or settings.FOLLOWUP_TESTING:
                line["error_text"] = str(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)
