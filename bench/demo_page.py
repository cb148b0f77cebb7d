"""What the demo puts on a terminal: titles, paragraphs and tables."""
import sys
import textwrap

WIDTH = 76
BOLD, DIM, PLAIN = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if sys.stdout.isatty() else ("", "", "")


def write(text):
    """Writes text at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def say(text):
    """A paragraph."""
    write(textwrap.fill(text, WIDTH) + "\n")


def title(text, about=None):
    """Begins a section, with what it is about below."""
    write(f"\n{BOLD}== {text}{PLAIN}\n")
    if about:
        write(DIM + textwrap.fill(about, WIDTH) + PLAIN + "\n\n")


def table(rows, left=1):
    """Rows of texts, the first of which is the head; `left` columns are flush left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) if i < left else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        write((BOLD if number == 0 else "") + "  " + "   ".join(cells).rstrip() + (PLAIN if number == 0 else "") + "\n")
