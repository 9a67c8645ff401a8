"""The Celery entry point: `celery -A worker worker` and `celery -A worker beat`."""

from drip.tasks import make_app

app = make_app()
