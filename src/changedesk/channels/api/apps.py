from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The API of partners and systems."""

    name = "changedesk.channels.api"
    label = "api"
