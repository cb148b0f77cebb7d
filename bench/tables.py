"""Tables in Markdown."""


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(f"{cell:{'<' if i == 0 else '>'}{widths[i]}}" for i, cell in enumerate(map(str, row)))
             + " |" for row in [head, *rows]]
    lines.insert(1, "|" + "|".join((":" if i == 0 else "-") + "-" * widths[i] + ("-" if i == 0 else ":")
                                   for i in range(len(head))) + "|")
    return "\n".join(lines) + "\n"


def number(value, digits=1):
    return "" if value is None else f"{value:.{digits}f}"
