from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "followup.portal"
    label = "portal"
