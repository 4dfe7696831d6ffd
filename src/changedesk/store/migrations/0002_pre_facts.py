from importlib.resources import files

from django.db import migrations


def _sql(name: str) -> str:
    return (files("changedesk.store") / "ddl" / name).read_text("utf-8")


NAMES = (
    "facts.sql", "past.sql", "links.sql", "log.sql", "batches.sql", "reversals.sql", "handed.sql", "privacy.sql", "audit.sql",
    "audit_search.sql", "seen.sql", "alarms.sql", "subject_requests.sql", "rotation.sql",
    "trends.sql", "hooks.sql", "untold.sql", "guards.sql", "estimates.sql",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("store", "0001_pre_settings")]
    operations = [migrations.RunSQL(_sql(name)) for name in NAMES]
