"""Every setting comes from the environment, has a default that suits one clinic, and stops the start when it is wrong.

A secret may stand in a file instead: `NAME_FILE` holds its path. What the environment does not say about database,
Redis and keys is read from the state file that `followup up` keeps in the data folder, so that a console command
works beside a running system.
"""

import json
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONCE, SELF

ROOT = Path(__file__).resolve().parent.parent


# Reading the environment


def text(name: str, default: str = "") -> str:
    file = os.environ.get(f"{name}_FILE")
    if file and not os.environ.get(name):
        try:
            return Path(file).read_text().strip()
        except OSError as error:
            raise SystemExit(f"{name}_FILE names {file}, which cannot be read ({error.strerror}).") from None
    return os.environ.get(name, "").strip() or default


def yes(name: str, default: bool) -> bool:
    word = text(name).lower()
    if word in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return word in ("1", "true", "yes", "on") if word else default
    raise SystemExit(f"{name} should be yes or no; it is “{word}”.")


def seconds(name: str, default: float) -> float:
    """A length of time, at least one second."""
    word = text(name)
    try:
        value = float(word or default)
    except ValueError:
        raise SystemExit(f"{name} should be a number of seconds; it is “{word}”.") from None
    if not 1 <= value <= 86400 * 7:
        raise SystemExit(f"{name} should be between one second and a week; it is {word}.")
    return value


def number(name: str, default: int, *, most: int) -> int:
    """A whole number from 0."""
    word = text(name)
    if word and not (word.isdecimal() and int(word) <= most):
        raise SystemExit(f"{name} should be a whole number up to {most}; it is “{word}”.")
    return int(word) if word else default


def port(name: str) -> int | None:
    word = text(name)
    if word and not (word.isdigit() and 0 < int(word) < 65536):
        raise SystemExit(f"{name} should be a port number; it is “{word}”.")
    return int(word) if word else None


def address(name: str, default: str, *schemes: str) -> str:
    """A URL with one of the named schemes, or empty."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        fine = not value or (parts.scheme in schemes and (parts.hostname or parts.scheme in ("console", "unix")))
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        fine = False
    if not fine:
        # The value is not repeated: it may hold a password.
        raise SystemExit(f"{name} should be an address that begins with {' or '.join(s + '://' for s in schemes)}.")
    return value


def database(url: str) -> dict:
    """Django's words for postgresql://user:password@host:port/name?sslmode=..."""
    if not url:
        return {"ENGINE": "django.db.backends.dummy"}
    parts = urlsplit(url)
    limits = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
    # What is prepared (core/statement.py) is planned once: to weigh a plan for each nurse takes longer than to take the call.
    planning = "-c plan_cache_mode=force_generic_plan"
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "followup",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # A stream must not hold a connection under ASGI.
        "CONN_MAX_AGE": 0,
        # Statements that are prepared (core/statement.py) are so at once; Django's own never are.
        "OPTIONS": {
            "options": f"{limits} {planning}",
            "connect_timeout": 5,
            "prepare_threshold": 0,
            **dict(parse_qsl(parts.query)),
        },
    }


def state() -> dict:
    """What `followup up` noted in the data folder: addresses and generated keys. Empty where it never ran."""
    try:
        return json.loads((FOLLOWUP_DATA / "state.json").read_text())
    except FileNotFoundError:
        return {}
    except (PermissionError, NotADirectoryError, ValueError) as error:
        raise SystemExit(f"{FOLLOWUP_DATA / 'state.json'} cannot be read: {error}") from None


# Where things are

FOLLOWUP_DATA = Path(text("FOLLOWUP_DATA", str(ROOT / ".followup"))).absolute()
STATE = state()

# How this installation runs

FOLLOWUP_TESTING = yes("FOLLOWUP_TESTING", False)
FOLLOWUP_DEMO = yes("FOLLOWUP_DEMO", STATE.get("demo", False))
FOLLOWUP_STAFF_MFA = yes("FOLLOWUP_STAFF_MFA", not FOLLOWUP_DEMO)
FOLLOWUP_CLOCK_FILE = text("FOLLOWUP_CLOCK_FILE")
FOLLOWUP_CRASH_AT = text("FOLLOWUP_CRASH_AT")
if not FOLLOWUP_TESTING and (FOLLOWUP_CLOCK_FILE or FOLLOWUP_CRASH_AT):
    raise SystemExit("FOLLOWUP_CLOCK_FILE and FOLLOWUP_CRASH_AT belong to tests and need FOLLOWUP_TESTING=1.")

FOLLOWUP_SWEEP_SECONDS = seconds("FOLLOWUP_SWEEP_SECONDS", 2)
FOLLOWUP_LEASE_SECONDS = seconds("FOLLOWUP_LEASE_SECONDS", 15 * 60)
FOLLOWUP_RETRY_SECONDS = seconds("FOLLOWUP_RETRY_SECONDS", 60)
FOLLOWUP_VISIBILITY_SECONDS = seconds("FOLLOWUP_VISIBILITY_SECONDS", 120)
FOLLOWUP_SMS_PER_SECOND = number("FOLLOWUP_SMS_PER_SECOND", 10, most=1000)
FOLLOWUP_MLLP_PORT = port("FOLLOWUP_MLLP_PORT")

# The addresses of the parts

DATABASES = {"default": database(address("DATABASE_URL", STATE.get("database_url", ""), "postgresql", "postgres"))}
REDIS_URL = address("REDIS_URL", STATE.get("redis_url", ""), "redis", "rediss", "unix")
FOLLOWUP_PUBLIC_URL = address(
    "FOLLOWUP_PUBLIC_URL", STATE.get("public_url", "http://127.0.0.1:8000"), "https", "http"
).rstrip("/")
_public = urlsplit(FOLLOWUP_PUBLIC_URL)
if FOLLOWUP_TESTING and _public.scheme == "https":
    raise SystemExit("FOLLOWUP_TESTING=1 is for tests; a clinic that is reached under https:// must not have it.")

# Keys

SECRET_KEY = text("FOLLOWUP_SECRET_KEY", STATE.get("secret_key", ""))
FOLLOWUP_JOURNAL_KEY = text("FOLLOWUP_JOURNAL_KEY", STATE.get("journal_key", ""))
for _name, _key in (("FOLLOWUP_SECRET_KEY", SECRET_KEY), ("FOLLOWUP_JOURNAL_KEY", FOLLOWUP_JOURNAL_KEY)):
    if _key and len(_key) < 32:
        raise SystemExit(f"{_name} should be at least 32 characters long.")

# Messages to people

TWILIO_ACCOUNT_SID = text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = text("TWILIO_AUTH_TOKEN")
TWILIO_FROM = text("TWILIO_FROM")
TWILIO_CODE_FROM = text("TWILIO_CODE_FROM", TWILIO_FROM)
TWILIO_MESSAGING_SERVICE_SID = text("TWILIO_MESSAGING_SERVICE_SID")
TWILIO_BASE_URL = address("TWILIO_BASE_URL", "", "https", "http")
if bool(TWILIO_ACCOUNT_SID) != bool(TWILIO_AUTH_TOKEN):
    raise SystemExit("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN belong together; one of them is missing.")

# smtp://user:password@host:587?tls=yes, smtps://... ; without it e-mails stay in the product, where a page shows them.
EMAIL_URL = address("EMAIL_URL", "", "smtp", "smtps", "console")
_mail = urlsplit(EMAIL_URL)
_mail_options = dict(parse_qsl(_mail.query))
EMAIL_BACKEND = {
    "": "django.core.mail.backends.dummy.EmailBackend",
    "console": "django.core.mail.backends.console.EmailBackend",
}.get(_mail.scheme, "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = _mail.hostname or "localhost"
EMAIL_PORT = _mail.port or (465 if _mail.scheme == "smtps" else 25)
EMAIL_HOST_USER = unquote(_mail.username or "")
EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = _mail_options.get("tls", "") in ("1", "yes", "true")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = text("FOLLOWUP_EMAIL_FROM", f"followup@{_public.hostname}")

# How much the log says

FOLLOWUP_LOG_LEVEL = text("FOLLOWUP_LOG_LEVEL", "INFO").upper()
if FOLLOWUP_LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR"):
    raise SystemExit("FOLLOWUP_LOG_LEVEL should be one of debug, info, warning and error.")

# Django

DEBUG = False
ROOT_URLCONF = "followup.urls"
ASGI_APPLICATION = "followup.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"

# The last three are how the machine asks itself whether it is well.
ALLOWED_HOSTS = [
    *(text("FOLLOWUP_HOSTS").replace(",", " ").split() or [str(_public.hostname)]),
    *("localhost", "127.0.0.1", "[::1]"),
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "csp",
    "followup.core",
    "followup.programmes",
    "followup.people",
    "followup.cases",
    "followup.messages",
    "followup.callbacks",
    "followup.clinic",
    "followup.contacts",
    "followup.board",
    "followup.portal",
    "followup.desk",
    "followup.demo",
    "api",
    "worker",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "followup.middleware.Trace",
    "followup.middleware.AccessLog",
    "followup.middleware.Watch",
    "followup.middleware.OnlyUtf8",
    "followup.middleware.Privacy",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "followup.people.signin.sessions.Sessions",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "followup.jinja.environment",
            "context_processors": ["followup.context.clinic"],
        },
    },
    # Only for packages that bring Django templates of their own.
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "followup",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# Languages

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("sv", "Svenska")]
LOCALE_PATHS = [ROOT / "followup" / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 86400
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

# Static files: npm's in build/assets, our own in followup/static, both collected by set-up into build/static.

STATIC_URL = "static/"
STATIC_ROOT = ROOT / "build" / "static"
STATICFILES_DIRS = [folder for folder in (ROOT / "build" / "assets", ROOT / "followup" / "static") if folder.exists()]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
# `plain` serves the files as they lie, without collecting; for tests of pages.
_static = text("FOLLOWUP_STATIC", "built" if (STATIC_ROOT / "staticfiles.json").exists() else "plain")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _static == "built"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = _static != "built"

# Who is signed in

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "followup.people.backends.WithoutPassword",
]
LOGIN_URL = "/sign-in/"  # it sends on whoever wanted a page for staff
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "followup.people.signin.passwords.HouseWords"},
    {"NAME": "followup.people.signin.passwords.EasilyGuessed"},
]

ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_FORMS = {"change_password": "followup.people.adapters.NewPasswordForm"}
ACCOUNT_ADAPTER = "followup.people.adapters.StaffAdapter"
ACCOUNT_RATE_LIMITS = False  # axes counts, in the database, so that a wiped cache forgets no wrong password
MFA_ADAPTER = "followup.people.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "followup.people.adapters.SecondFactorForm",
    "reauthenticate": "followup.people.adapters.SecondFactorAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Followup"

AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True

# Cookies and headers

_secure = _public.scheme == "https"
SESSION_COOKIE_AGE = 60 * 60  # the outer limit; people.signin.sessions ends them earlier, by the house clock
SESSION_SAVE_EVERY_REQUEST = True  # so that it counts from the last thing done
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _secure
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = _secure
LANGUAGE_COOKIE_SECURE = _secure
CSRF_TRUSTED_ORIGINS = [FOLLOWUP_PUBLIC_URL]
# Nobody else is told; our own forms need it, because under "no-referrer" browsers post with "Origin: null", which is refused.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
# A page asked for in the clear is sent on. Programs are not: their token has travelled already, and they must be put right. Nor is the
# machine itself when it asks whether it is well. uvicorn believes X-Forwarded-Proto of the proxies that FORWARDED_ALLOW_IPS names.
SECURE_SSL_REDIRECT = _secure
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|metrics)$", r"^(api|fhir|webhooks)/"]
SECURE_HSTS_SECONDS = 31536000 if _secure else 0
# The product has a host name of its own; where others live below that name in the clear, say no.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _secure and yes("FOLLOWUP_HSTS_SUBDOMAINS", True)
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "followup.faults.without_token"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}

# The API

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsing.Json"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.auth.Key", "api.auth.PageSession"],
    "EXCEPTION_HANDLER": "api.problems.handler",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["api.limits.CallsAMinute"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Followup",
    "DESCRIPTION": "For programs of the clinic. What goes wrong is a problem document (RFC 9457); lists come in pages. "
    "Patients, nurses, clinicians, coordinators, wall screens and systems have keys; carers do not exist yet.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "ENUM_NAME_OVERRIDES": {
        "CaseKind": "followup.cases.models.Kind",
        "Shortage": "followup.cases.models.Shortage",
        "CallbackState": "followup.callbacks.models.State",
        "TryResult": "followup.callbacks.models.AttemptResult",
        "AppointmentState": "followup.clinic.models.State",
        "SlotKind": "followup.clinic.models.SlotKind",
        "ContactChannel": "followup.contacts.models.Channel",
        "MessageChannel": "followup.messages.models.Channel",
        "MessageState": "followup.messages.models.State",
        "Language": "followup.people.models.Language",
    },
}

# Logs: one JSON object a line, ids only; the access log is ours, since the server's own holds query strings.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "followup.running.logs.Lines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": FOLLOWUP_LOG_LEVEL},
    "loggers": {
        "django": {"level": "INFO", "handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "django.request": {"level": "ERROR"},
        "axes": {"level": "ERROR"},
        # It writes addresses with the telephone numbers in them.
        "twilio": {"level": "WARNING"},
        # A line for each tick of the sweeper would bury the rest.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
