"""The pages by which patients come in, and by which a wall screen does; everybody goes out the same way.

Each page answers alike whether or not somebody matched: same words, same cookies, same work.
"""

from datetime import date, datetime, timedelta
from functools import wraps

from django import forms
from django.conf import settings
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from followup.board.door import WALL_KEY
from followup.core import clock
from followup.core.errors import Unknown
from followup.people import queries as people
from followup.people.models import Role, Token, User
from followup.people.signin import places, policy, services, watch
from followup.people.signin.services import EMAIL, SMS, Address

BACKEND = "followup.people.backends.WithoutPassword"
WALL_DAYS = 400
FOR_STAFF = ("/desk/", "/staff/", "/wall/")

page = require_http_methods(["GET", "HEAD", "POST"])


# The questions


class AddressForm(forms.Form):
    address = forms.CharField(
        max_length=254,
        error_messages={
            "required": gettext_lazy("Enter your mobile number or e-mail address"),
            "max_length": gettext_lazy("Enter your mobile number or e-mail address"),
        },
    )

    def clean_address(self) -> Address:
        typed = self.cleaned_data["address"]
        address = services.read_address(typed)
        if address:
            return address
        if "@" in typed:
            raise forms.ValidationError(_("Enter an e-mail address in the right format, like name@example.com"))
        codes = _(" or ").join(f"+{code}" for code in services.countries_served())
        if any(letter.isdigit() for letter in typed):
            words = _(
                "We can send texts to whole numbers that begin with %(codes)s. Check the number, or enter your e-mail address"
            )
            raise forms.ValidationError(words % {"codes": codes})
        raise forms.ValidationError(
            _("Enter your mobile number or e-mail address, like 070 123 45 67 or anna@example.com")
        )


class BirthForm(forms.Form):
    """A day in three fields; what is wrong is said once, at the first field it concerns."""

    day = forms.CharField(required=False, max_length=20)
    month = forms.CharField(required=False, max_length=20)
    year = forms.CharField(required=False, max_length=20)

    def clean(self):
        typed = {name: self.cleaned_data.get(name, "").strip() for name in ("day", "month", "year")}
        missing = next((name for name, value in typed.items() if not value), None)
        if missing:
            self._say(missing, _("Enter your date of birth: day, month and year"))
        elif not all(value.isascii() and value.isdigit() for value in typed.values()) or len(typed["year"]) != 4:
            self._say(
                "year" if len(typed["year"]) != 4 else "day", _("Enter your date of birth in numbers, like 3 5 1971")
            )
        else:
            self._read(typed)
        return self.cleaned_data

    def _read(self, typed: dict[str, str]) -> None:
        try:
            born_on = date(int(typed["year"]), int(typed["month"]), int(typed["day"]))
        except (ValueError, OverflowError):
            self._say("day", _("That day does not exist. Check day, month and year"))
            return
        if born_on > clock.now().date():
            self._say("year", _("Your date of birth must be in the past"))
        elif born_on.year < 1900:
            self._say("year", _("Check the year of your birth"))
        self.cleaned_data["born_on"] = born_on

    def _say(self, field: str, words: str) -> None:
        self.add_error(field, words)


class CodeForm(forms.Form):
    code = forms.CharField(required=False, max_length=100, strip=True)

    def clean_code(self) -> str:
        code = policy.digits_of(self.cleaned_data["code"])
        if code is None:
            raise forms.ValidationError(
                _("Enter the code from your message: it has %(digits)s digits") % {"digits": policy.DIGITS}
            )
        return code


class ChannelForm(forms.Form):
    channel = forms.ChoiceField(
        choices=[(SMS, ""), (EMAIL, "")],
        error_messages={
            "required": gettext_lazy("Choose how you want the new code"),
            "invalid_choice": gettext_lazy("Choose how you want the new code"),
        },
    )


# The pages


def for_strangers(view):
    """Whoever is signed in already goes where they wanted to go."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args, **kwargs):
        if request.user.is_authenticated:
            return redirect(_next_of(request) or "/")
        return view(request, *args, **kwargs)

    return wrapped


@page
@for_strangers
def address(request: HttpRequest) -> HttpResponse:
    wanted = _next_of(request)
    if wanted and wanted.startswith(FOR_STAFF):
        return redirect(f"{reverse('account_login')}?{urlencode({'next': wanted})}")
    state = request.session.get("signin", {})
    if request.method == "POST":
        form = AddressForm(request.POST)
        if form.is_valid():
            said = form.cleaned_data["address"]
            _keep(
                request,
                state,
                typed=request.POST["address"].strip(),
                channel=said.channel,
                readings=list(said.readings),
                next=wanted or state.get("next", ""),
            )
            return redirect("sign_in_birth")
    else:
        form = AddressForm(initial={"address": state.get("typed", "")})
    return _show(request, "address", form, next=wanted)


@page
@for_strangers
def birth(request: HttpRequest) -> HttpResponse:
    state = request.session.get("signin", {})
    if "readings" not in state:
        return redirect("sign_in")
    form = BirthForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            attempt_id = services.ask(
                address=Address(state["channel"], tuple(state["readings"])),
                born_on=form.cleaned_data["born_on"],
                browser=state["browser"],
                network=policy.network_of(request.META.get("REMOTE_ADDR", "")),
            )
        except services.TooSoon as soon:
            watch.tell(watch.Event.LIMIT_REACHED, request, what="codes")
            form.add_error(None, _too_soon(soon.again_at))
        else:
            _keep(request, state, attempt=str(attempt_id))
            return redirect("sign_in_code")
    return _show(request, "birth", form)


@page
@for_strangers
def code(request: HttpRequest) -> HttpResponse:
    state = request.session.get("signin", {})
    if "attempt" not in state:
        return redirect("sign_in")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.enter(
                attempt_id=state["attempt"], browser=state["browser"], typed=form.cleaned_data["code"]
            )
        except Unknown:
            return redirect("sign_in")
        except services.Refused as no:
            event = watch.Event.LOCKED if isinstance(no, services.TooManyWrong) else watch.Event.SIGN_IN_FAILED
            watch.tell(event, request, door="patient", factor="code", who=state["attempt"])
            form.add_error("code", _why_not(no))
        else:
            return _let_in(request, user, state.get("next"))
    return _show(request, "code", form, typed=state["typed"], saved=_fresh_note(request))


@page
@for_strangers
def new_code(request: HttpRequest) -> HttpResponse:
    state = request.session.get("signin", {})
    if "attempt" not in state:
        return redirect("sign_in")
    form = ChannelForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.ask_again(
                attempt_id=state["attempt"], browser=state["browser"], channel=form.cleaned_data["channel"]
            )
        except Unknown:
            return redirect("sign_in")
        except services.TooSoon as soon:
            watch.tell(watch.Event.LIMIT_REACHED, request, what="codes")
            form.add_error("channel", _too_soon(soon.again_at))
        else:
            _keep(request, state, sent_again=True)
            return redirect("sign_in_code")
    return _show(request, "new_code", form, typed=state["typed"], channel=form["channel"].value() or state["channel"])


@require_GET
@for_strangers
def new_number(request: HttpRequest) -> HttpResponse:
    return _show(request, "new_number", None)


@require_GET
def short(request: HttpRequest) -> HttpResponse:
    """The address in messages: short enough for a text."""
    return redirect("/" if request.user.is_authenticated else "sign_in")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    staff = request.user.is_authenticated and not request.user.as_patient
    logout(request)
    return redirect("account_login" if staff else "sign_in")


@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """One press and the time without use counts anew; the press itself is the use."""
    if request.headers.get("Accept", "").startswith("application/json"):
        return HttpResponse(status=204 if request.user.is_authenticated else 401)
    return redirect(_next_of(request) or "/")


@require_GET
def wall(request: HttpRequest, key: str) -> HttpResponse:
    """A wall screen shows its key once and gets a session, so that the key does not stay in the address bar."""
    user = people.user_of_key(key)
    if user is None or user.role != Role.WALL:
        watch.tell(watch.Event.SIGN_IN_FAILED, request, door="wall", factor="key")
        raise Http404
    login(request, user, backend=BACKEND)
    places.begin(request)
    # When the key is revoked, the screen that came in by it goes dark.
    request.session[WALL_KEY] = Token.digest_of(key)
    request.session.set_expiry(timedelta(days=WALL_DAYS))
    watch.tell(watch.Event.SIGNED_IN, request, door="wall", factors="key")
    return redirect("/wall/")


# Inside


def _show(request: HttpRequest, name: str, form: forms.Form | None, **more) -> HttpResponse:
    wrong = form is not None and form.is_bound and not form.is_valid()
    return render(request, f"portal/signin/{name}.html", {"form": form, **more}, status=422 if wrong else 200)


def _keep(request: HttpRequest, state: dict, **more) -> None:
    """Carry what was said to the next page, long enough that a late code can still be called expired."""
    request.session["signin"] = {"browser": services.new_browser(), **state, **more}
    request.session.set_expiry(policy.REMEMBERED + policy.VALID)


def _fresh_note(request: HttpRequest) -> str:
    state = request.session.get("signin", {})
    if request.method != "GET" or not state.pop("sent_again", False):
        return ""
    request.session["signin"] = state
    return _("If the details match, a new code is on its way.")


def _let_in(request: HttpRequest, user: User, wanted: str | None) -> HttpResponseRedirect:
    login(request, user, backend=BACKEND)
    places.begin(request)
    watch.tell(watch.Event.SIGNED_IN, request, door="patient", factors="code")
    request.session.pop("signin", None)
    request.session.set_expiry(None)
    response = redirect(wanted or "/")
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            user.language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
            secure=settings.LANGUAGE_COOKIE_SECURE,
        )
    return response


def _next_of(request: HttpRequest) -> str:
    """Where to go afterwards: a path of our own, or nothing."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if safe else ""


def _why_not(no: services.Refused) -> str:
    match no:
        case services.TooManyWrong():
            return _("There have been too many wrong codes. %(when)s") % {"when": _try_again_in(no.again_at)}
        case services.ExpiredCode(again_at=None):
            return _("That code has expired. We have sent a new one: it has %(digits)s digits") % {
                "digits": policy.DIGITS
            }
        case services.ExpiredCode():
            return _("That code has expired. %(when)s") % {"when": _too_soon(no.again_at)}
        case services.WrongCode(tries_left=0):
            return _("That code is not correct and has been tried too often. Ask for a new code")
    return _("That code is not correct. It has %(digits)s digits: check your message and try again") % {
        "digits": policy.DIGITS
    }


def _too_soon(again_at: datetime) -> str:
    minutes = _minutes_until(again_at)
    return ngettext(
        "You can ask for another code in %(minutes)s minute",
        "You can ask for another code in %(minutes)s minutes",
        minutes,
    ) % {"minutes": minutes}


def _try_again_in(again_at: datetime) -> str:
    minutes = _minutes_until(again_at)
    return ngettext(
        "Try again in %(minutes)s minute, or ring us", "Try again in %(minutes)s minutes, or ring us", minutes
    ) % {"minutes": minutes}


def _minutes_until(at: datetime) -> int:
    return max(-((clock.now() - at) // timedelta(minutes=1)), 1)
