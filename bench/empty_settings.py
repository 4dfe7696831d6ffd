"""The product's own settings, with the empty page among the addresses."""

from changedesk.config.settings import *  # noqa: F403 - every setting of the product

ROOT_URLCONF = "bench.empty"
