from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "followup.core"
    label = "core"

    def ready(self):
        from followup.core import checks, crash  # noqa: F401  checks register themselves

        crash.check()
