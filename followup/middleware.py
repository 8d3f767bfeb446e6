"""What every page and every answer carries, and the one line each request leaves in the log."""

import logging
import time

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.utils.cache import add_never_cache_headers

from followup.core import trace
from followup.people.signin import watch

log = logging.getLogger("followup.requests")


class Step:
    """A middleware that works for both kinds of view, so that streams stay asynchronous."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response):
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request):
        started = time.monotonic()
        self.before(request)
        if iscoroutinefunction(self):
            return self._later(request, started)
        return self.after(request, self.get_response(request), started)

    async def _later(self, request, started):
        return self.after(request, await self.get_response(request), started)

    def before(self, request):
        """What is put right before anybody reads the request."""

    def after(self, request, response, started):
        return response


class Trace(Step):
    """Each request has an id. It stands in every log line about it, goes to the worker with what the request leaves to do, and comes back
    as `X-Request-ID`, to be quoted by whoever asks what happened.
    """

    def before(self, request):
        trace.begin(trace.of_request(request.headers))

    def after(self, request, response, started):
        response.headers[trace.HEADER] = trace.current()
        return response


class OnlyUtf8(Step):
    """Everything is read as UTF-8, whatever a caller says of it: other codecs make letters that nothing behind can keep."""

    def before(self, request):
        if request.encoding:
            request.encoding = "utf-8"


class Privacy(Step):
    """Answers about people are kept by no cache; a view that says otherwise keeps its word."""

    def after(self, request, response, started):
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
            response.headers["Cache-Control"] = "no-store, private"
        return response


class Watch(Step):
    """A no is told to those who watch, whoever said it."""

    def after(self, request, response, started):
        watch.answered(request, response.status_code)
        return response


class AccessLog(Step):
    """Method, route and status; never the query, the body or the address of the page, which may hold a name."""

    def after(self, request, response, started):
        match = request.resolver_match
        log.info(
            "request",
            extra={
                "method": request.method,
                "route": match.route if match else None,
                "status": response.status_code,
                "ms": round((time.monotonic() - started) * 1000),
            },
        )
        return response
