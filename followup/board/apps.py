from django.apps import AppConfig


class BoardConfig(AppConfig):
    name = "followup.board"
    label = "board"
