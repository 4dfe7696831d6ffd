"""The Django application that owns every table of the product."""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "changedesk.store"
    label = "store"
    default_auto_field = "django.db.models.BigAutoField"
