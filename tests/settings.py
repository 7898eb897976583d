"""Settings of the test suite: an embedded cluster of its own, thrown away afterwards.

pytest-django reads the settings before any conftest, so the choice of the cluster stands here. Each run of pytest has a
cluster by its process id; its parallel workers inherit the name.
"""

import os
import sys
from pathlib import Path

if sys.dont_write_bytecode:
    # Whoever wants no bytecode beside the sources would have every process of the suite compile all of Django, and each
    # of them every test, again: seconds for each of dozens of processes. So it is kept aside.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).resolve().parent.parent / "var" / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

from project.services.cluster import throwaway_name

if "PYTEST_XDIST_WORKER" not in os.environ and "ALS_TEST_DATABASE" not in os.environ:
    os.environ["ALS_SERVICES"] = throwaway_name("test")
for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):  # never the servers with data
    os.environ.pop(name, None)
os.environ["DB_POOL"] = "0"
os.environ.setdefault("SECRET_KEY", "only-for-the-test-suite-only-for-the-test-suite")

from project.settings import *  # noqa: E402, F403

if "ALS_TEST_DATABASE" in os.environ:  # a process that a test started: the same database as the test
    DATABASES["default"]["NAME"] = os.environ["ALS_TEST_DATABASE"]  # noqa: F405
# A live server keeps its connection to the database while a client keeps its own: a new one for each request costs more
# than most pages do.
DATABASES["default"]["CONN_MAX_AGE"] = 60  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick; the tests sign in often
OPENAI_BASE_URL = "http://127.0.0.1:9/v1"  # nobody listens there; tests that need a model say which
AXES_ENABLED = False
INTAKE_RATE_PER_MINUTE = INTAKE_ORGANIZATION_RATE_PER_MINUTE = 1_000_000
CELERY_TASK_ALWAYS_EAGER = False
API_KEY_CACHE_SECONDS = 0  # tests revoke keys and look at once; tests/organizations/test_known_keys.py does not
