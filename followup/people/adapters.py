"""How django-allauth, which lets staff in, fits into this house."""

import base64
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ChangePasswordForm
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from axes.handlers.proxy import AxesProxyHandler
from cryptography.fernet import Fernet
from django import forms
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from followup.core import clock, journal
from followup.people.signin import places, policy, watch

SIGNED_IN = "staff.signed_in"
NEWLY_IN = "newly_in"


class StaffAdapter(DefaultAccountAdapter):
    """Passwords are for people who work here; nobody signs up and nothing is mailed."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("The user name or the password is not correct"),
        "too_many_login_attempts": _("There have been too many failed attempts. Try again in 15 minutes"),
    }

    def is_open_for_signup(self, request) -> bool:
        return False

    def authenticate(self, request, **credentials):
        """Someone whose work here has ended is answered like a stranger, and so is a given password that nobody used in time."""
        user = super().authenticate(request, **credentials)
        if user is not None and user.membership and not self._came_too_late(user):
            return user
        _tell_failed(request, credentials.get("username", ""), "password")
        return None

    def _came_too_late(self, user) -> bool:
        return bool(user.password_given_at) and clock.now() - user.password_given_at > policy.GIVEN_PASSWORD

    def clean_password(self, password: str, user=None) -> str:
        if user is not None and user.password_given_at and user.check_password(password):
            raise forms.ValidationError(_("Choose another password than the one you were given"))
        return super().clean_password(password, user)

    def set_password(self, user, password: str) -> None:
        self.request.session[NEWLY_IN] = user.password_given_at is not None
        user.password_given_at = None
        super().set_password(user, password)

    def get_password_change_redirect_url(self, request) -> str:
        return reverse("staff_home" if request.session.pop(NEWLY_IN, False) else "mfa_index")

    def is_reauthentication_required(self, **more) -> bool:
        """Whoever signed in a moment ago is not asked again; otherwise as the package says."""
        just_now = time.time() - app_settings.REAUTHENTICATION_TIMEOUT  # nosemgrep  allauth compares with the real time
        records = get_authentication_records(context.request, context.request.user)
        return not any(record["at"] > just_now for record in records) and super().is_reauthentication_required(**more)

    def reauthenticate(self, user, password: str) -> bool:
        right = super().reauthenticate(user, password)
        if right:
            places.renew(context.request)
        return right

    def login(self, request, user) -> None:
        super().login(request, user)
        places.begin(request)

    def get_login_redirect_url(self, request) -> str:
        return reverse("staff_home")

    def post_login(self, request, user, **more):
        with transaction.atomic():
            journal.write(SIGNED_IN, by=user, unit_id=user.unit.id)
        factors = "+".join(
            record.get("type") or record["method"] for record in get_authentication_records(request, user)
        )
        watch.tell(watch.Event.SIGNED_IN, request, door="staff", factors=factors)
        return super().post_login(request, user, **more)

    def get_client_ip(self, request) -> str:
        """The package would keep it beside each session; nobody reads it there, so it is not kept."""
        return "::"

    def send_mail(self, *args, **kwargs) -> None:
        """Messages to staff go through no template of a package."""

    def send_notification_mail(self, template_prefix, user, context=None, email=None) -> None:
        """The package tells here that a password or a second factor was changed: whoever is signed in elsewhere signs in anew."""
        places.end_sessions(user, by=user, but=self.request.session.session_key)
        watch.tell(watch.Event.SIGN_IN_CHANGED, self.request, what=template_prefix.rpartition("/")[2])


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps are kept encrypted; the key is made from the server's own."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("That code is not correct. It has 6 digits and changes every 30 seconds"),
    }

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator) -> bool:
        return not settings.FOLLOWUP_STAFF_MFA


def _tell_failed(request, username: str, factor: str) -> None:
    locked = getattr(request, "axes_locked_out", False)
    event = watch.Event.LOCKED if locked else watch.Event.SIGN_IN_FAILED
    watch.tell(event, request, door="staff", factor=factor, who=watch.digest_of(username))


def _box() -> Fernet:
    return Fernet(
        base64.urlsafe_b64encode(hashlib.sha256(b"followup.second-factor" + settings.SECRET_KEY.encode()).digest())
    )


@contextmanager
def _counted(username: str, factor: str) -> Iterator[None]:
    """What is asked for inside counts like a password at the door when it is wrong: in the database, under the same limit."""
    request, who = context.request, {"username": username}
    if not AxesProxyHandler.is_allowed(request, who):
        watch.tell(watch.Event.LOCKED, request, door="staff", factor=factor, who=watch.digest_of(username))
        raise forms.ValidationError(StaffAdapter.error_messages["too_many_login_attempts"])
    try:
        yield
    except forms.ValidationError:
        user_login_failed.send(sender=__name__, credentials=who, request=request)
        _tell_failed(request, username, factor)
        raise


class NewPasswordForm(ChangePasswordForm):
    """The password they have is asked for."""

    def clean_oldpassword(self) -> str:
        with _counted(self.user.username, "password"):
            return super().clean_oldpassword()


class _CountedCode(BaseAuthenticateForm):
    def clean_code(self) -> str:
        with _counted(self.user.username, "second factor"):
            return super().clean_code()


class SecondFactorForm(_CountedCode, AuthenticateForm):
    """Asked for after the password."""


class SecondFactorAgainForm(_CountedCode, ReauthenticateForm):
    """Asked for before something about signing in is changed."""

    def save(self) -> None:
        super().save()
        places.renew(context.request)
