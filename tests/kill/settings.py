"""Settings of the programs that a test starts: they have the broker for themselves, whatever other tests send."""

import os

from project.settings import *  # noqa: F403

CELERY_BROKER_TRANSPORT_OPTIONS = {
    **CELERY_BROKER_TRANSPORT_OPTIONS,  # noqa: F405
    "global_keyprefix": os.environ["ALS_TEST_PREFIX"],
}
