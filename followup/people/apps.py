from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "followup.people"
    label = "people"
