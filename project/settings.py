"""All settings in one file. A bad value stops start-up with a message that names it.

Order: environment variables, then config/system.yaml (`learning:`), then the defaults here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import environ

from learning.llm_prices import FREE, read_prices
from project import services
from project.configuration import load_learning_settings
from project.databases import database_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# Which embedded servers: "dev" for the product, "test" for the suite, another name for a benchmark's own.
SERVICES_NAME = env.str("ALS_SERVICES", default="dev")
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or services.secret_key(SERVICES_NAME)
if len(SECRET_KEY) < 32:
    raise SystemExit("SECRET_KEY is too short: give at least 32 random characters, or leave it unset to have one made.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SERVE_HTTPS = env.bool("SERVE_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVE_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SERVE_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if SERVE_HTTPS else 0
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "axes",
    "corsheaders",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "organizations",
    "learning",
    "annotation",
    "experiments",
    "project",
]
MIDDLEWARE = [
    "project.intake_lane.ServerLane",  # what a program sends to the intake needs none of those below
    "django.middleware.security.SecurityMiddleware",
    "project.aliases.EarlierSpellings",
    "corsheaders.middleware.CorsMiddleware",
    "project.admission.Admission",
    "project.intake_lane.IntakeLane",  # what a page sends there by key needs none of those below
    "project.compression.CompressStatic",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "organizations.middleware.TenantMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The application role cannot bypass row-level security; the owner's role is used by schema commands alone.
DATABASES = {"default": database_settings(env, SERVICES_NAME)}
# Requests that work at a time in one process: each has a connection, and some threads are left to refuse the others.
WEB_THREADS = env.int("WEB_THREADS", default=16)  # of a process; most are there for slow callers, and start when needed
WEB_PLACES = max(1, min(env.int("DB_POOL_SIZE", default=10), WEB_THREADS - 4))
WEB_BODY_SECONDS = env.float("WEB_BODY_SECONDS", default=15)  # for the body of a request to arrive
REDIS_URL = env.str("REDIS_URL", default="")
_socket = services.redis_url(SERVICES_NAME)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL or f"unix://{_socket}?db=2",
        "KEY_PREFIX": "als",
    }
}
AUTH_USER_MODEL = "organizations.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/admin/learning/"
LOGOUT_REDIRECT_URL = "/login/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None  # only who collects files for another server needs one
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # no build step: files are served from where they are
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000  # bytes: a batch of 1,000 items; single items are bounded by their serializers

CORS_URLS_REGEX = r"^/api/learning/(executions|feedback)(/batch)?/?$"  # intake only; origins are checked per key
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["retry-after"]  # a widget on another origin waits as long as it is asked to
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["organizations.auth.ActorAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["organizations.permissions.ActorPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["organizations.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": [],
    "EXCEPTION_HANDLER": "project.api.problem_response",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Agent learning system",
    "DESCRIPTION": "Send executions and feedback; fetch the agent config to use for a user; steer learning.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ExecutionStatusEnum": "learning.models.ExecutionStatus",
        "ReviewStatusEnum": "learning.models.ReviewStatus",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "project.schema.document_problems"],
}

# Loaded with the first task: the web server does without until it wakes a worker.
TASK_APPLICATION = "project.celery.app"
# Celery's spelling of a Unix socket differs from everybody else's.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1) or f"redis+socket://{_socket}"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # the sweeper owns retries: a killing task would come back for ever
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 12 * 3600,  # longer than the longest run
    "socket_connect_timeout": 2,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_BEAT_SCHEDULE = {
    "sweep-training": {"task": "learning.sweep_training", "schedule": 10.0},
    "sweep-gates": {"task": "learning.sweep_gates", "schedule": 10.0},
    "sweep-jobs": {"task": "learning.sweep_jobs", "schedule": 10.0, "options": {"expires": 10}},
    "prepare-examples": {"task": "learning.prepare_examples", "schedule": 5.0, "options": {"expires": 5}},
    "join-early-feedback": {"task": "learning.join_early_feedback", "schedule": 60.0},
    "sum-up-feedback": {"task": "learning.sum_up_feedback", "schedule": 30.0},
    "learn-by-rules": {"task": "learning.learn_by_rules", "schedule": 30.0, "options": {"expires": 30}},
    "learn-from-feedback": {"task": "learning.learn_from_feedback", "schedule": 300.0, "options": {"expires": 300}},
    "apply-retention": {"task": "learning.apply_retention", "schedule": 3600.0, "options": {"expires": 3600}},
    "keep-partitions": {"task": "learning.keep_partitions", "schedule": 6 * 3600.0},
    "write-overdue-traces": {"task": "learning.write_overdue_traces", "schedule": 15.0},
    "forget-spans": {"task": "learning.forget_spans", "schedule": 3600.0},
    "fill-queues": {"task": "annotation.fill_queues", "schedule": 5.0, "options": {"expires": 5}},
    "estimate-reliability": {"task": "annotation.estimate_reliability", "schedule": 3600.0},
    "analyse-experiments": {"task": "experiments.analyse_running", "schedule": 60.0},
    "seal-audit": {"task": "organizations.seal_audit", "schedule": 3600.0},
}

# A URL or the embedded model. The key is only ever sent to OPENAI_BASE_URL.
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="") or services.model_url()
OPENAI_API_KEY = env.str("OPENAI_API_KEY", default="") or "local"
DEFAULT_MODEL = env.str("DEFAULT_MODEL", default="smollm2-135m-instruct")
_local_model = not env.str("OPENAI_BASE_URL", default="")
# Of all processes on all machines together. The local model answers two at a time.
LLM_CONCURRENCY = env.int("LLM_CONCURRENCY", default=2 if _local_model else 16)
LLM_REQUESTS_PER_MINUTE = env.int("LLM_REQUESTS_PER_MINUTE", default=0)  # 0: no limit
LLM_WORKER_CONCURRENCY = env.int("LLM_WORKER_CONCURRENCY", default=8)  # of one process
LLM_TIMEOUT_SECONDS = env.float("LLM_TIMEOUT_SECONDS", default=60)  # for one answer
if min(LLM_CONCURRENCY, LLM_WORKER_CONCURRENCY) < 1 or LLM_REQUESTS_PER_MINUTE < 0 or LLM_TIMEOUT_SECONDS <= 0:
    raise SystemExit("LLM_CONCURRENCY, LLM_WORKER_CONCURRENCY and LLM_TIMEOUT_SECONDS must be above 0.")
try:  # {"model": {"input": 0.15, "output": 0.6}}: money for a million tokens, in any one currency
    LLM_PRICES = read_prices(env.str("LLM_PRICES", default=""))
except ValueError as error:
    raise SystemExit(f"LLM_PRICES: {error}") from error
if _local_model:
    LLM_PRICES = {DEFAULT_MODEL: FREE} | LLM_PRICES
EMBEDDING_MODEL = env.str("EMBEDDING_MODEL", default="wordllama-256")
FINE_TUNE_BASE_MODEL = env.str("FINE_TUNE_BASE_MODEL", default="smollm2-135m-instruct")

LEARNING = load_learning_settings(BASE_DIR / "config" / "system.yaml", env)
LEARNING_ENABLED = env.bool("LEARNING_ENABLED", default=True)
ANNOTATION_QUEUE_SIZE = env.int("ANNOTATION_QUEUE_SIZE", default=100)
MIN_EXAMPLES_FOR_TRAINING = env.int("MIN_EXAMPLES_FOR_TRAINING", default=50)
TRAINING_JOB_TIMEOUT = env.int("TRAINING_JOB_TIMEOUT", default=3600)
AUTO_TRAINING_ENABLED = env.bool("AUTO_TRAINING_ENABLED", default=False)
REDACTION_REGIONS = env.list("REDACTION_REGIONS", default=["US", "GB", "DE"])  # whose national phone numbers are known
REDACTION_NAMES = env.bool(
    "REDACTION_NAMES", default=False
)  # names of persons too; see docs/operator.md for its figures
FEEDBACK_RETENTION_DAYS = env.int("FEEDBACK_RETENTION_DAYS", default=365)  # 0: kept for ever
if FEEDBACK_RETENTION_DAYS < 0:
    raise SystemExit("FEEDBACK_RETENTION_DAYS must be a number of days from 1, or 0 to keep everything for ever.")
EXPERIMENT_MIN_SAMPLES = env.int(
    "EXPERIMENT_MIN_SAMPLES", default=env.int("A_B_TEST_MIN_SAMPLES", default=LEARNING["experiments"]["min_samples"])
)
# Uploaded files; the web service and the workers share this folder.
ARTIFACT_DIR = Path(env.str("ARTIFACT_DIR", default="") or services.artifact_dir(SERVICES_NAME))
ARTIFACT_QUOTA_MB = env.int("ARTIFACT_QUOTA_MB", default=5000)  # of one organization
# One uploaded file. No request is larger than DATA_UPLOAD_MAX_MEMORY_SIZE, so more than 5 changes nothing over HTTP.
IMPORT_MAX_MB = env.int("IMPORT_MAX_MB", default=1000)
API_KEY_CACHE_SECONDS = env.float("API_KEY_CACHE_SECONDS", default=2.0)  # a revoked key works on for so long at most
INTAKE_RATE_PER_MINUTE = env.int("INTAKE_RATE_PER_MINUTE", default=6000)  # per API key or person; 0: no limit
INTAKE_ORGANIZATION_RATE_PER_MINUTE = env.int(  # of all its keys and people together
    "INTAKE_ORGANIZATION_RATE_PER_MINUTE", default=5 * INTAKE_RATE_PER_MINUTE
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "filters": {"refusals": {"()": "project.log_lines.RefusalInOneLine"}},
    "loggers": {
        "django.request": {"filters": ["refusals"]},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
    },
}
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is ever downloaded at run time
