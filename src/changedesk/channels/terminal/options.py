"""Options that commands share."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Client = Annotated[str, typer.Option("--client", help="The client's short name.", envvar="CHANGEDESK_CLIENT")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", exists=True, dir_okay=False, help="Holds your key; else CHANGEDESK_KEY does."),
]
Secret = Annotated[str, typer.Option("--key", envvar="CHANGEDESK_KEY", hidden=True)]
SubjectArg = Annotated[str, typer.Argument(metavar="ID", help="The customer's or the account's id.")]


def subject(text: str) -> SubjectId:
    """Return the id that was typed. Raises NotFound for what is none."""
    try:
        return SubjectId(UUID(text))
    except ValueError:
        raise NotFound from None
