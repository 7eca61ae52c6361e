"""Options that several commands have."""

from typing import Annotated

import typer

Broker = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="mqtt://HOST:PORT or mqtts://HOST:PORT; without it that of CONFIG.", show_default=False
    ),
]
