"""Everything tested here imports tables, which Django must have loaded before tests are collected."""

import django

django.setup()
