"""What a WSGI server loads."""

import os

from django.core.wsgi import get_wsgi_application

from project import memory
from project.broken_streams import CutWhenBroken
from project.whole_body import WholeBody

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
with memory.without("pygments", "requests"):  # REST framework takes them where they are, and we use neither with it
    application = WholeBody(CutWhenBroken(get_wsgi_application()))
memory.settle()
