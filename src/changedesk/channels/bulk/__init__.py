"""Files ask too: rows are parsed, read by a map, and handed to the same verbs in batches."""

from changedesk.channels.bulk.changes import import_changes
from changedesk.channels.bulk.customers import import_customers
from changedesk.channels.bulk.mapping import ChangeMap, CustomerMap, read_map, shipped
from changedesk.channels.bulk.report import Report

__all__ = ["ChangeMap", "CustomerMap", "Report", "import_changes", "import_customers", "read_map", "shipped"]
