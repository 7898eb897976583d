"""Wires the apps together. Importing the Celery application here makes `shared_task` find it."""

from project.celery import app as celery_app

__all__ = ["celery_app"]
