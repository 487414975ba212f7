"""Tables on the terminal, whose headings and cells somebody else may have chosen."""

from collections.abc import Collection, Iterable, Sequence

from fcnet.wording import shown


def print_table(
    heading: Sequence[object], rows: Iterable[Sequence[object]], right: Collection[str] = ()
) -> None:
    """Print rows below a heading, or without one where all of it is empty.

    Parameters
    ----------
    heading, rows : what the cells say; a list is one of lines
    right : headings of columns of numbers
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(heading))
    for name in heading:
        number = name in right
        table.add_column(
            Text(shown(name)), justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    for row in rows:
        lines = (cell if isinstance(cell, list) else [cell] for cell in row)
        table.add_row(*(Text("\n".join(map(shown, cell))) for cell in lines))
    Console().print(table)
