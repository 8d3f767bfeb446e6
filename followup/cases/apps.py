from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "followup.cases"
    label = "cases"
