from django.apps import AppConfig


class MessagesConfig(AppConfig):
    name = "followup.messages"
    label = "messages"
