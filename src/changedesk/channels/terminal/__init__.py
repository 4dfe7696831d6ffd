"""The command line: whoever runs the installation, at its own machine."""

import typer

from changedesk.channels.terminal import (
    access,
    batches,
    demo_commands,
    evidence,
    forget,
    hooks,
    imports,
    keys,
    log,
    looking,
    privacy,
    searching,
    setting_up,
    undoing,
    witness,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for name, group in {
    "client": setting_up.client_app,
    "person": setting_up.person_app,
    "key": setting_up.key_app,
    "keys": keys.app,
    "hook": hooks.app,
    "import": imports.app,
    "customer": looking.customer_app,
    "request": looking.request_app,
    "batch": batches.app,
    "reversal": undoing.reversal_app,
    "policy": undoing.policy_app,
    "erase": forget.erase_app,
    "retention": forget.retention_app,
    "privacy": privacy.app,
    "evidence": evidence.app,
    "audit": searching.app,
    "access": access.app,
    "log": log.app,
    "witness": witness.app,
    "demo": demo_commands.app,
}.items():
    app.add_typer(group, name=name)
app.command()(looking.outbox)

__all__ = ["app"]
