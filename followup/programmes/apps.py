from django.apps import AppConfig


class ProgrammesConfig(AppConfig):
    name = "followup.programmes"
    label = "programmes"
