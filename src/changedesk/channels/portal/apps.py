from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The customer's public pages: confirm a request, and "this wasn't me"."""

    name = "changedesk.channels.portal"
    label = "portal"
    verbose_name = "Portal"
