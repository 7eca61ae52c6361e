"""``twin alarms``: the alarms of a store that ask for somebody, and who has taken note of them."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from twin_runtime.cli.options import Json
from twin_runtime.cli.outlook_tables import alarm_table
from twin_runtime.cli.output import display, print_json
from twin_runtime.errors import StoreError


def alarms(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="The store of a run; it may be in use.", show_default=False)
    ],
    acknowledge: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Take note of this alarm, in the name of --by.")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who takes note; else the user who asks.")] = None,
    json: Json = False,
) -> None:
    """List the alarms that are raised, and those that are over and that nobody has acknowledged.

    An alarm is raised by a forecast, by the probability that a limit of `[[limits]]` is passed within its horizon.
    Acknowledged, it stays in the list until it is over. The run that writes the store is not disturbed.

    Example: `twin alarms artery.db --acknowledge 17 --by "Dr. Weiss"`
    """
    from twin_runtime.runs.alarms import standing_alarms
    from twin_runtime.store import bulletins
    from twin_runtime.store.reader import Reader
    from twin_runtime.store.schema import connect

    if acknowledge is not None:
        name = by or _user()
        with Reader.open(store) as reader:
            places = range(len(reader.identity.types))
            known = [alarm["number"] for place in places for alarm in standing_alarms(reader, place)]
        if acknowledge not in known:
            remedy = f"there are: {', '.join(map(str, known))}" if known else "there is none to acknowledge"
            raise StoreError(f"expected the number of an alarm, got {acknowledge}", where=str(store), remedy=remedy)
        with bulletins.beside_the_writer(connect(store)) as connection:
            bulletins.acknowledge(connection, acknowledge, name)
    with Reader.open(store) as reader:
        found = [alarm for place in range(len(reader.identity.types)) for alarm in standing_alarms(reader, place)]
    if json:
        print_json({"alarms": found})
    elif found:
        display(alarm_table(found))
    else:
        display("no alarm asks for anybody")


def _user() -> str:
    """The user who asks; where the system has no name for it, as in a container, one must be given."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise typer.BadParameter(
            'this system has no name for its user: say who takes note, as in --by "NAME"'
        ) from None
