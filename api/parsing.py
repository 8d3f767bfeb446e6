"""What is taken as a body."""

import json
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from api.problems import TooLarge


class Json(BaseParser):
    """JSON in UTF-8 of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes: the framework's own reads whatever it is sent."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge
        try:
            return json.loads(body.decode("utf-8"), parse_constant=_not_a_number)
        except (ValueError, RecursionError) as error:
            raise ParseError(_("The body is not JSON.")) from error


def _not_a_number(word: str) -> None:
    raise ValueError(word)
