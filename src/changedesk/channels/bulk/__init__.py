"""Files ask too: rows are parsed, read by a map, and handed to the same verbs in batches."""

from changedesk.channels.bulk.changes import import_changes
from changedesk.channels.bulk.customers import import_customers
from changedesk.channels.bulk.importing import import_file
from changedesk.channels.bulk.mapping import ChangeMap, CustomerMap, read_map, shipped
from changedesk.channels.bulk.report import Report
from changedesk.channels.bulk.request_map import RequestMap, read_request_map, shipped_request_maps
from changedesk.channels.bulk.requests import RequestReport, approval_report, request_batch

__all__ = [
    "ChangeMap",
    "CustomerMap",
    "Report",
    "RequestMap",
    "RequestReport",
    "approval_report",
    "import_changes",
    "import_customers",
    "import_file",
    "read_map",
    "read_request_map",
    "request_batch",
    "shipped",
    "shipped_request_maps",
]
