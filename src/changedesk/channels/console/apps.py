from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The staff's pages: templates, styles and the template tags they are made of."""

    name = "changedesk.channels.console"
    label = "console"
    verbose_name = "Console"
