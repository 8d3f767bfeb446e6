from django.apps import AppConfig


class ClinicConfig(AppConfig):
    name = "followup.clinic"
    label = "clinic"
