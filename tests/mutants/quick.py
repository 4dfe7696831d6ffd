"""The conftest.py of a mutation run: no database, and the same few examples for every mutant."""

import hypothesis

hypothesis.settings.register_profile(
    "mutants",
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=15,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # a failure is enough, nobody reads the example
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("mutants")
