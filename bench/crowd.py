"""Everybody at once: nurses and patients who go from page to page in browsers, boards that stay open, programs that call the API."""

import asyncio
import html
import random
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
from allauth.mfa.models import Authenticator
from django.test import Client

from bench import fill
from bench.rates import latencies
from bench.report import Report
from followup.core import clock
from followup.people.models import User

THINKS = (1.0, 8.0)
"""Seconds that somebody looks at a page before the next thing they do: any length between these."""
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
LONGEST_WAY = 5
"""Redirects that a browser follows."""


class Crowd:
    """What all of them share: where the product is, until when they stay, how long each page took, what went wrong."""

    def __init__(self, url: str, minutes: float):
        self.url = url
        self.until = time.monotonic() + minutes * 60
        self.took: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    async def thinks(self) -> None:
        await asyncio.sleep(random.uniform(*THINKS))  # noqa: S311  how long somebody reads

    async def come(self, visits: list[Callable[[], Awaitable]], watching: list[Callable[[], Awaitable]]) -> None:
        """All visits go on until the time is over; the boards are closed then."""
        self.connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4)  # the server lets go after five seconds
        boards = [asyncio.create_task(board()) for board in watching]
        await asyncio.gather(*(visit() for visit in visits))
        for board in boards:
            board.cancel()
        await asyncio.gather(*boards, return_exceptions=True)
        await self.connector.close()


class Caller:
    """Somebody who asks: in a browser with the cookies of a session, or a program with a key."""

    def __init__(self, crowd: Crowd, *, cookies: dict[str, str] | None = None, key: str = ""):
        self.crowd = crowd
        self.headers = {"Authorization": f"Bearer {key}"} if key else {"Accept": "text/html", "Accept-Language": "en"}
        self.session = aiohttp.ClientSession(
            connector=crowd.connector,
            connector_owner=False,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            cookies=cookies,
            timeout=aiohttp.ClientTimeout(total=60, sock_read=60),
        )
        self.at, self.page = "", ""

    async def ask(self, method: str, path: str, **more) -> str:
        """One request; where it leads to. What it took is kept under its route, and an answer that is none is an error."""
        name, before = f"{method} {AN_ID.sub('…', path.partition('?')[0])}", time.perf_counter()
        try:
            async with self.session.request(
                method, self.crowd.url + path, headers=self.headers, allow_redirects=False, **more
            ) as answer:
                self.page = await answer.text()
                self.crowd.took[name].append(time.perf_counter() - before)
                if answer.status >= 400:
                    self.crowd.wrong.append(f"{name}: {answer.status}")
                return answer.headers.get("Location", "")
        except (aiohttp.ClientError, TimeoutError) as trouble:
            self.crowd.wrong.append(f"{name}: {type(trouble).__name__}")
            return ""

    async def goes(self, path: str) -> None:
        await self._follow("GET", path)

    async def sends(self, path: str, **typed: str) -> None:
        """A form, with the token of the page that it stands on."""
        token = TOKEN.search(self.page)
        typed["csrfmiddlewaretoken"] = html.unescape(token[1]) if token else ""
        await self._follow("POST", path, data=typed)

    async def _follow(self, method: str, path: str, **more) -> None:
        for _redirect in range(LONGEST_WAY):
            self.at = path
            path = await self.ask(method, path, **more)
            if not path:
                return
            method, more = "GET", {}
        self.crowd.wrong.append(f"{self.at}: sent on and on")


async def nurse(crowd: Crowd, cookies: dict[str, str]) -> None:
    """The queue, the next call, its page, the dial, what it led to; and the queue again."""
    me = Caller(crowd, cookies=cookies)
    again = clock.now() + timedelta(days=7)
    outcome = {
        "outcome": "self_care",
        "note": "Better after a day of rest.",
        "call_again_on_day": str(again.day),
        "call_again_on_month": str(again.month),
        "call_again_on_year": str(again.year),
        "do": "save",
    }
    await crowd.thinks()
    while crowd.goes_on:
        await me.goes("/desk/queue/")
        await crowd.thinks()
        await me.sends("/desk/calls/next/")
        if not AN_ID.search(me.at):
            continue
        call = me.at
        await crowd.thinks()
        await me.sends(f"{call}dial/")
        await crowd.thinks()
        await me.sends(call, **outcome)
        await crowd.thinks()
    await me.session.close()


async def patient(crowd: Crowd, cookies: dict[str, str], phone: str) -> None:
    """Home; the questions one after the other, if nothing is open; then what became of it."""
    me = Caller(crowd, cookies=cookies)
    typed = {
        "now": {"red_flags": "none"},
        "why": {"reason": "flare"},
        "what": {"message": "It hurts again.", "since": "days"},
        "reach": {"phone": phone},
        "check": {},
    }
    await crowd.thinks()
    while crowd.goes_on:
        await me.goes("/home/")
        await crowd.thinks()
        await me.goes("/tell-us/")
        while (question := me.at.strip("/").removeprefix("tell-us/")) in typed and crowd.goes_on:
            await crowd.thinks()
            before = me.at
            await me.sends(me.at, **typed[question])
            if me.at == before:
                crowd.wrong.append(f"{before}: asked again")
                break
        for page in ("/where/", "/messages/", "/who-looked/", "/contacts/"):
            await crowd.thinks()
            await me.goes(page)
    await me.session.close()


async def program(crowd: Crowd, key: str) -> None:
    """A program of the clinic that looks at the queue and at the people of the day, over and over."""
    me = Caller(crowd, key=key)
    await crowd.thinks()
    while crowd.goes_on:
        for path in ("callbacks", "contacts", "worklists", "board"):
            await me.ask("GET", f"/api/v1/{path}")
            await crowd.thinks()
    await me.session.close()


async def board(crowd: Crowd, cookies: dict[str, str]) -> None:
    """The page of the wall once, and its stream for as long as it lasts."""
    me = Caller(crowd, cookies=cookies)
    await crowd.thinks()
    await me.goes("/wall/")
    address, headers = f"{crowd.url}/api/v1/board/stream", {"Accept": "text/event-stream"}
    try:
        async with me.session.get(address, headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as stream:
            if stream.status == 200:
                async for _line in stream.content:
                    pass
            crowd.wrong.append(f"the board's stream: {'ended' if stream.status == 200 else stream.status}")
    finally:
        await me.session.close()


def signed_in(user: User) -> dict[str, str]:
    """The cookies of somebody who has come through the door, which counts how many come from one network."""
    client = Client(headers={"accept": "text/html"})
    client.force_login(user, backend="followup.people.backends.WithoutPassword")
    return {name: morsel.value for name, morsel in client.cookies.items()}


def everybody(
    report: Report, url: str, *, minutes: float = 5, nurses: int = 40, patients: int = 200, boards: int = 50
) -> None:
    unit = fill.a_unit()
    fill.times(unit, fill.staff(unit, 1, "clinician")[0], 1_000)
    staff, people, wall = fill.staff(unit, nurses), fill.patients(unit, patients), fill.staff(unit, 1, "wall")[0]
    # A second factor each: without one the door would lead them to set one up.
    Authenticator.objects.bulk_create([Authenticator(user=each, type="totp", data={}) for each in staff])
    at_the_desk, at_home = [signed_in(each) for each in staff], [signed_in(each.user) for each in people]
    on_the_wall, keys = signed_in(wall), fill.keys(fill.staff(unit, max(1, nurses // 8)))
    crowd = Crowd(url, minutes)
    visits = [
        *(lambda cookies=each: nurse(crowd, cookies) for each in at_the_desk),
        *(
            lambda cookies=each, phone=who.phone: patient(crowd, cookies, phone)
            for each, who in zip(at_home, people, strict=True)
        ),
        *(lambda key=each: program(crowd, key) for each in keys),
    ]
    asyncio.run(crowd.come(visits, [lambda: board(crowd, on_the_wall)] * boards))
    tell(
        report,
        crowd,
        f"{nurses} nurses, {patients} patients, {boards} boards and {len(keys)} programs in {minutes:g} min",
    )


def tell(report: Report, crowd: Crowd, who: str) -> None:
    asked = sum(map(len, crowd.took.values()))
    wrong = len(crowd.wrong)
    report.goal("-", f"errors with {who}, {asked:,} requests", str(wrong), "0", not wrong)
    for trouble in sorted(set(crowd.wrong)):
        print("   ", trouble, crowd.wrong.count(trouble))
    for name, took in sorted(crowd.took.items()):
        seen = latencies(took)
        words = ", ".join(f"{word} {seen[f'{word}_ms']:.0f}" for word in ("p50", "p95", "p99", "max"))
        report.goal("-", f"{name} ({len(took)} times)", f"{words} ms")
        report.figures[f"everybody: {name}"] = seen
