"""Every table, declared once. ``settings`` holds what people edit."""

from changedesk.store.models.settings import (
    ApiKey,
    Client,
    ClientRule,
    ConfigChange,
    FieldSetting,
    Membership,
    MessageTemplate,
    Person,
    Policy,
    StatementWording,
)

__all__ = [
    "ApiKey",
    "Client",
    "ClientRule",
    "ConfigChange",
    "FieldSetting",
    "Membership",
    "MessageTemplate",
    "Person",
    "Policy",
    "StatementWording",
]
