"""Django's settings, by subsystem; what a deployment may change comes from ``environment`` alone."""

from __future__ import annotations

from typing import Any

from csp.constants import NONCE, NONE, SELF

import reliability
from reliability.environment import CHECKOUT, load
from reliability.kernel.telemetry import logs
from reliability.settings import broker, clusters, database, schedule, signin

ENVIRONMENT = load()

# --- the project
BASE_DIR = CHECKOUT
SECRET_KEY = ENVIRONMENT.MAINSTAY_SECRET_KEY
SECRET_KEY_FALLBACKS = ENVIRONMENT.MAINSTAY_SECRET_KEY_PREVIOUS
DEBUG = ENVIRONMENT.MAINSTAY_DEBUG
ALLOWED_HOSTS = ENVIRONMENT.MAINSTAY_ALLOWED_HOSTS
ROOT_URLCONF = "reliability.urls"
ASGI_APPLICATION = "reliability.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
SITE_ID = 1
MAINSTAY_VERSION = "0.1.0"
MAINSTAY_ALIVE_PATH = ENVIRONMENT.MAINSTAY_ALIVE_PATH
MAINSTAY_ENVIRONMENT_NAME = ENVIRONMENT.MAINSTAY_ENVIRONMENT_NAME
MAINSTAY_BROKER = ENVIRONMENT.MAINSTAY_BROKER
MAINSTAY_BROKER_REASON = ENVIRONMENT.MAINSTAY_BROKER_REASON
MAINSTAY_DEMO = ENVIRONMENT.MAINSTAY_DEMO
MAINSTAY_READ_ONLY = ENVIRONMENT.MAINSTAY_READ_ONLY

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "channels",
    "csp",
    "django_htmx",
    "template_partials",
    *reliability.ROOMS,
    "outbox",
    "dlq",
    "sagas",
    *(["sagas.orders"] if MAINSTAY_DEMO else []),
]

MIDDLEWARE = [
    "reliability.kernel.telemetry.middleware.Traced",
    "reliability.console.middleware.DatabaseDown",
    "django.middleware.security.SecurityMiddleware",
    "reliability.console.static.Files",
    "csp.middleware.CSPMiddleware",
    "reliability.console.middleware.MethodsSaid",
    "reliability.access.middleware.SameOrigin",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "reliability.access.middleware.Sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "reliability.console.context.shell",
            ],
        },
    }
]

# --- PostgreSQL
STATEMENT_TIMEOUT_MS = database.STATEMENT_TIMEOUT_MS
CONNECT_TIMEOUT_S = database.CONNECT_TIMEOUT_S
DATABASES = {"default": database.connection(ENVIRONMENT)}

# --- Redis: hints only; nothing that must not be lost
REDIS_URL = ENVIRONMENT.REDIS_URL
REDIS_TIMEOUT_S = 0.5  # a paused Redis must not hang a page
# What this process counts of sign-ins that failed. Django's 300 entries could be pushed out by whoever fails often.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}},
}

# --- Kafka
KAFKA_BACKEND = "confluent"
KAFKA_CLUSTERS = clusters.profiles(ENVIRONMENT)
MAINSTAY_METRICS_TOKEN = ENVIRONMENT.MAINSTAY_METRICS_TOKEN
# Sites whose pages may ask for degradation levels from a browser; none unless they are named.
OFREP_ORIGINS: list[str] = ENVIRONMENT.MAINSTAY_OFREP_ORIGINS
LAG_HOT_S = ENVIRONMENT.MAINSTAY_LAG_HOT_S
LAG_QUIET_S = ENVIRONMENT.MAINSTAY_LAG_QUIET_S
LAG_REQUESTS_PER_MINUTE = ENVIRONMENT.MAINSTAY_LAG_REQUESTS_PER_MINUTE
LAG_ALERT_TIME_LAG_S = ENVIRONMENT.MAINSTAY_LAG_ALERT_TIME_LAG_S
LAG_ALERT_ETA_S = ENVIRONMENT.MAINSTAY_LAG_ALERT_ETA_S
LAG_ALERT_LOSS_S = ENVIRONMENT.MAINSTAY_LAG_ALERT_LOSS_S
# A file that says what is compared; "" for none.
SAGAS_RECONCILIATIONS = ENVIRONMENT.MAINSTAY_RECONCILIATIONS
# Where alerts go: channels by name, as plain values.
ALERT_CHANNELS = {name: each.model_dump() for name, each in ENVIRONMENT.MAINSTAY_ALERT_CHANNELS.items()}
MAINSTAY_URL = ENVIRONMENT.MAINSTAY_URL
MAINSTAY_OUTBOX_NAME = ENVIRONMENT.MAINSTAY_OUTBOX_NAME
MAINSTAY_OUTBOX_WAITS_FOR = ENVIRONMENT.MAINSTAY_OUTBOX_WAITS_FOR
# Names that dead-letter topics usually have. Retry topics are left out: what waits there is not dead.
DLQ_TOPIC_PATTERNS: list[str] = ENVIRONMENT.MAINSTAY_DLQ_TOPIC_PATTERNS or [
    r"^.*[-._](dlt|DLT|dlq|DLQ)$",
    r"^dlq\..*$",
    r"^.*dead[-_]letter.*$",
    r"^error\..*\..*$",
    r"^.*_(error|skipped)$",
]

# --- Celery: messages are wake-ups, the truth is in PostgreSQL
# kombu's transport, less an error that ends workers when Redis goes; the address says where it leads, also by TLS.
CELERY_BROKER_TRANSPORT = "reliability.celery:Transport"
BROKER_ADDRESS = ENVIRONMENT.CELERY_BROKER_URL or REDIS_URL
CELERY_BROKER_URL = broker.shown(BROKER_ADDRESS)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "queue_order_strategy": "priority",
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "standard"
CELERY_TASK_ROUTES = schedule.ROUTES
READ_ONLY_TASKS_REST = schedule.REST_WHEN_READ_ONLY
CELERY_BEAT_SCHEDULE = schedule.SCHEDULE
# A matter of seconds: nothing of it is remembered, so no file is written where beat was started.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"

# --- access (signing in)
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["reliability.access.hashing.Argon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SESSION_WHOLE_S = ENVIRONMENT.MAINSTAY_SESSION_HOURS * 3600
SESSION_IDLE_S = ENVIRONMENT.MAINSTAY_SESSION_IDLE_MINUTES * 60
SESSION_COOKIE_AGE = int(SESSION_WHOLE_S)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Accounts are made by command or by an admin: a username, no sign-up, no letters by mail.
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_ADAPTER = "reliability.access.views.password.Adapter"
ACCOUNT_FORMS = {"login": "reliability.access.forms.LoginForm"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False  # the session ends with the browser, or after SESSION_COOKIE_AGE
MAINSTAY_OIDC = signin.oidc(ENVIRONMENT)
SOCIALACCOUNT_ADAPTER = "reliability.console.sign_in.Adapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
MFA_ADAPTER = "reliability.access.views.second_factor.Adapter"
MFA_FORMS = {
    "authenticate": "reliability.access.forms.AuthenticateForm",
    "reauthenticate": "reliability.access.forms.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = f"Mainstay {MAINSTAY_ENVIRONMENT_NAME}"
MFA_TOTP_TOLERANCE = 1  # clocks of telephones may be half a minute off
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_REQUIRED_FOR = ENVIRONMENT.MAINSTAY_MFA_REQUIRED_FOR
ALLAUTH_TRUSTED_PROXY_COUNT = ENVIRONMENT.MAINSTAY_TRUSTED_PROXIES
# "key" is a name at an address; "name_failed" a name from anywhere: out of reach of one address, so that nobody who
# guesses at one keeps its owner out.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "name_failed": "300/h/key",
    "change_password": "5/m/user",
}

# --- security
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "reliability.console.views.errors.csrf_failure"
if ENVIRONMENT.MAINSTAY_HTTPS:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.MAINSTAY_TRUSTED_PROXIES else None
# Whether plain requests are redirected, and whether all subdomains speak TLS alone, is for who runs proxy and domain.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- static files: ours in static/, browser libraries put into static/vendor/ at set-up
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / ".mainstay" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- logs and traces
LOGGING_CONFIG = None
logs.configure(level=ENVIRONMENT.MAINSTAY_LOG_LEVEL)
OTEL_EXPORTER_OTLP_ENDPOINT = ENVIRONMENT.OTEL_EXPORTER_OTLP_ENDPOINT
OTEL_SERVICE_NAME = ENVIRONMENT.OTEL_SERVICE_NAME
