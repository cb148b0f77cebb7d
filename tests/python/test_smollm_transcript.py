"""Texts are written as they come, one below the other, with their lines broken at spaces."""
from tombola.smollm.transcript import Transcript, Wrapped

END = 0


class Words:
    """A tokenizer of few words: token 1 is " a", token 2 " bb", token 3 " ccc"."""

    def stream(self):
        return self

    def put(self, token):
        return " " + "?abc"[token] * token

    def end(self):
        return ""


def wrapped(width, *pieces):
    written = []
    wrapped = Wrapped(written.append, width, "  ")
    for piece in pieces:
        wrapped.put(piece)
    wrapped.end()
    return "".join(written)


def test_lines_are_broken_at_spaces_behind_the_indent():
    assert wrapped(12, "one two three") == "  one two\n  three\n"
    assert wrapped(11, "one", " two", "ish three") == "  one\n  twoish\n  three\n"
    assert wrapped(6, "extraordinary as ever") == "  extraordinary\n  as\n  ever\n"


def test_line_breaks_and_spaces_at_the_beginning_of_a_line_stay():
    assert wrapped(20, "if a:\n    b\n\nc") == "  if a:\n      b\n\n  c\n"
    assert wrapped(20, "a\n") == "  a\n" and wrapped(20, "") == ""


def test_without_a_width_text_stays_as_it_is():
    assert wrapped(None, "one two ", "three\x1b") == "one two three\x1b\n"


def test_what_a_terminal_would_obey_is_not_written_to_it():
    assert wrapped(20, "a\x1b[2Jb\r\n\x07") == "  a\ufffd[2Jb\n  \ufffd\n"


def transcript(count, max_tokens=3):
    written = []
    heads = [(f"<{i}>\n", "begin") for i in range(count)]
    return written, Transcript(written.append, Words(), heads, max_tokens, [END])


def test_the_first_text_is_written_as_it_comes_and_others_in_their_turn():
    written, told = transcript(2)
    assert "".join(written) == "<0>\nbegin"
    told(0, 1), told(1, 2)
    assert "".join(written) == "<0>\nbegin a"
    told(0, END)
    assert "".join(written) == "<0>\nbegin a\n<1>\nbegin bb"
    told(1, 3), told(1, 1)
    assert "".join(written) == "<0>\nbegin a\n<1>\nbegin bb ccc a\n"


def test_texts_that_are_whole_before_their_turn_come_all_at_once():
    written, told = transcript(3, max_tokens=1)
    told(1, 1), told(2, 2)
    assert "".join(written) == "<0>\nbegin"
    told(0, 3)
    assert "".join(written) == "<0>\nbegin ccc\n<1>\nbegin a\n<2>\nbegin bb\n"


def test_what_there_is_of_texts_is_written_where_all_ends_early():
    written, told = transcript(2)
    told(1, 1)
    told.end()
    assert "".join(written) == "<0>\nbegin\n<1>\nbegin a\n"
