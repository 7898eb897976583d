"""What a WSGI server loads."""

import os

from django.core.wsgi import get_wsgi_application

from project.body_length import BodyLength

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = BodyLength(get_wsgi_application())
