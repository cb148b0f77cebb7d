"""What reference_entropy.py and reference_shares.py have in common: how they ask about the parameter of a filter among
others, and how they compare a filter with the formula of those who made it."""
import numpy as np

from reference import FILTERS, Row
from reference_answers import HEADER, XTC_COLUMNS, answered, more_rows, within, write_or_check
from reference_arithmetic import f32, f64

# ------------------------------------------------------------- known answers


def orders_with(name, first, last, *more):
    """Orders with this filter, among them those of all filters. more: what the one that begins with XTC ends with."""
    orders = (first, last, (name,), (name, "temperature", "top_p"), ("xtc", name, "temperature", *more),
              ("temperature", name, "top_k"), ("top_k", name, "temperature"))
    return [tuple(dict.fromkeys(order)) for order in orders]    # each filter once, be it the temperature itself


def answers(counter, choices, neutral, more_values):
    """choices: by parameter, orders, and values to take in turns. neutral: the parameters that the file has columns of
    beside the others, off. more_values(counter, V): those that are on in questions about others, too."""
    yield "#columns", *XTC_COLUMNS[:14], *neutral, *XTC_COLUMNS[14:]
    for parameter, (orders, values) in choices.items():
        for row, mask, biases in more_rows():
            V = row[4]
            for _ in range(3 if V < 32000 else 8):
                counter += 1
                order = orders[counter // 2 % len(orders)]
                choice = within(order, T=(0.7, 1.0, 2.0, 0.2, np.inf, 1.0, 50.0)[counter % 7],
                                k=(0, 5, V // 2, 0, 60)[counter % 5], p=(1.0, 0.9, 1.0, 0.6)[counter % 4],
                                m=(0.0, 0.01, 0.0)[counter % 3], n=(0.0, 0.0, 1.5)[counter // 3 % 3])
                choice["x"] = (1.0 if "xtc" in order and counter // 5 % 2 else 0.0), (0.1, 0.01, 0.0)[counter % 3]
                choice.update({**neutral, **more_values(counter, V)})
                choice[parameter] = values[counter // len(orders) % len(values)]
                method = ("race", "inverse-cdf")[counter % 2]
                yield answered(row, mask, biases, choice, counter, method, order)


# ----------------------------------------------------------------- originals

EDGE = 1e-5    # what lies so near a boundary may go either way


def softmax(z, T):
    e = np.exp((z - z.max()) / T)
    return e / e.sum()


def random_rows(random):
    """-> row, its logits in binary64, temperature."""
    for case in range(120):
        z = random.normal(0, (0.5, 2.5, 6)[case % 3], (4, 50, 1000, 32000)[case % 4]).astype(f32)
        yield Row(z), z.astype(f64), (1.0, 0.7, 2.0)[case // 3 % 3]


def compare(parameter, name, original, values, random):
    """Prints how many tokens were compared and how many differ; gives how many differ without an excuse.
    original(z, T, value): which tokens stay, and which are so near the boundary that they may do otherwise."""
    compared = excused = wrong = 0
    for row, z, T in random_rows(random):
        for value in values:
            kept = np.zeros(row.V, bool)
            given = {parameter: value if isinstance(value, str) else f32(value)}
            kept[FILTERS[name].keep(row, row.order, given, f32(T))] = True
            stays, near = original(z, T, value)
            wrong += int((kept != stays)[~near].sum())
            excused += int((kept != stays)[near].sum())
            compared += row.V
    print(f"{parameter}: {compared} tokens, {excused} at a boundary go another way, {wrong} others")
    return wrong


def main(arguments, usage, subject, answers, compare_with_originals):
    if arguments == ["--originals"]:
        return "what is kept is not what the originals keep" if compare_with_originals() else 0
    header = HEADER.replace("reference_answers.py", f"reference_{subject}.py")
    header = header.replace("known_answers.txt", f"known_{subject}.txt")
    return write_or_check(arguments, usage, header, answers)
