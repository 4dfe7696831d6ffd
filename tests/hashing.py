"""Passwords of the tests: hashed as everywhere, at the least cost. Servers of their own hash as they would anywhere."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Quick(Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 8
    parallelism = 1
