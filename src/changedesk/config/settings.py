"""Django, put together. What an installation sets comes from ``config.environment`` and nowhere else."""

import secrets
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from changedesk.config import logs
from changedesk.config.bootstrap import CACHE_TABLE, urls
from changedesk.config.environment import Environment, django_database

environment = Environment()
logs.configure(environment.log_level)
LOGGING_CONFIG = None
PACKAGE_DIR = Path(__file__).resolve().parent.parent
IDLE_SECONDS = 15 * 60


def _secret_key() -> str:
    if environment.secret_key:
        return environment.secret_key.get_secret_value()
    kept = environment.secrets_dir / "secret_key"
    # Without one, tools still work; serving refuses to start (config.checks).
    return kept.read_text(encoding="utf-8").strip() if kept.exists() else secrets.token_urlsafe(64)


# What lower layers need to know; they read it from here and import nothing of config.
CHANGEDESK_VERSION = "0.1.0"
FACTS_DATABASE_URL = urls(environment).app
FACTS_POOL_SIZE = environment.pool_size
FACTS_POOL_CHECK = True  # a connection that a database restart broke is replaced, not handed out
CHANGEDESK_MASTER_KEY_FILE = environment.master_key_path
CHANGEDESK_KMS = environment.kms
CHANGEDESK_STATE_DIR = environment.state_dir
CHANGEDESK_ERASURE_JOURNAL = environment.erasure_journal_path
CHANGEDESK_PUBLIC_URL = environment.public_url
CHANGEDESK_LIVE_URL = environment.live_url
CHANGEDESK_SMS_GATEWAY_URL = environment.sms_gateway_url
CHANGEDESK_SMS_GATEWAY_TOKEN = environment.sms_gateway_token.get_secret_value()
CHANGEDESK_HOOKS_INSIDE = environment.hooks_inside
CHANGEDESK_HOOKS_RANGES = environment.hooks_ranges
CHANGEDESK_WITNESSES = environment.witnesses
CHANGEDESK_SMTP_SET = environment.smtp_host is not None

DEBUG = environment.debug
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = environment.hosts
CSRF_TRUSTED_ORIGINS = [environment.public_url] if environment.https else []
ROOT_URLCONF = "changedesk.config.urls"
WSGI_APPLICATION = "changedesk.config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "changedesk.channels.console",
    "changedesk.channels.portal",
    "changedesk.store",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "changedesk.config.web.Trace",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "changedesk.channels.signin.RequireSecondFactor",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    },
]

DATABASES = {"default": django_database(FACTS_DATABASE_URL, environment.pool_size)}
# Sign-in limits are counted here, so that they hold across processes and restarts.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": CACHE_TABLE}}

AUTH_USER_MODEL = "store.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ["email"]}},
    # NIST SP 800-63B asks 15 for a password alone; a second factor is a must here, so 12 (it asks 8).
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "changedesk.channels.signin.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = IDLE_SECONDS
MFA_ADAPTER = "changedesk.channels.signin.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Changedesk"
USERSESSIONS_TRACK_ACTIVITY = False

SESSION_COOKIE_AGE = IDLE_SECONDS
SESSION_SAVE_EVERY_REQUEST = True  # the quarter of an hour starts anew with each request
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = environment.https
SESSION_COOKIE_NAME = "__Host-session" if environment.https else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if environment.https else "csrf"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = environment.https

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.https else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if environment.https else 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *([environment.live_url] if environment.live_url else [])],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# A form's file is held in memory, never on a disk; of a body beyond what a file may be, its files are left out.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German")), ("ar", _("Arabic"))]
LOCALE_PATHS = [PACKAGE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # served from the packages themselves: no build step
WHITENOISE_AUTOREFRESH = False

EMAIL_HOST = environment.smtp_host or "localhost"
EMAIL_PORT = environment.smtp_port
EMAIL_HOST_USER = environment.smtp_user
EMAIL_HOST_PASSWORD = environment.smtp_password.get_secret_value()
EMAIL_USE_TLS = environment.smtp_starttls
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.smtp_from
