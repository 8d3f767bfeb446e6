from django.apps import AppConfig


class CallbacksConfig(AppConfig):
    name = "followup.callbacks"
    label = "callbacks"
