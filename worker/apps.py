from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """Introduces the worker to the outbox: how it is nudged, and who hears which topic."""

    name = "worker"
    label = "worker"

    def ready(self):
        from followup.core import outbox
        from worker.topics import HANDLERS, nudge

        outbox.connect(nudge, HANDLERS)
