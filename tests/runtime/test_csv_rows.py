"""A case file is read strictly: the first thing that cannot be meant is named with its place and mend."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders.csv_columns import MAX_RUN
from barocast.runtime.decoders.csv_rows import MAX_LINE, CsvDecoder
from barocast.runtime.domain import Event, Reason, Sample, WaveChunk
from barocast.runtime.errors import InputError

HEAD = b"t_s,ABP_MEAN\n0,70\n"


def decode(text: str | bytes, size: int | None = None) -> list[Event]:
    stream = text.encode() if isinstance(text, str) else text
    decoder, step = CsvDecoder("case.csv"), size or max(1, len(stream))
    events = [event for at in range(0, len(stream), step) for event in decoder.feed(stream[at : at + step])]
    return events + decoder.close()


def points(text: str, channel: str = "ABP_MEAN") -> list[tuple[float | None, float]]:
    return [(event.t_s, event.value) for event in decode(text) if event.channel == channel]


def refusal(text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        decode(text)
    return str(caught.value)


def test_a_row_gives_a_sample_for_each_column():
    assert decode("t_s,ABP_MEAN,HR\n2.5,71,64\n") == [
        Sample("ABP_MEAN", "ABP_MEAN", 2.5, 71.0, "mmHg"),
        Sample("HR", "HR", 2.5, 64.0, "1/min"),
    ]


def test_an_empty_cell_is_missing_not_zero():
    _, missing, _ = decode("t_s,ABP_MEAN\n0,70\n10,\n20,72\n")

    assert (missing.t_s, math.isnan(missing.value), missing.valid, missing.reason) == (
        10.0,
        True,
        False,
        Reason.MISSING,
    )


def test_a_slow_column_misses_nothing_between_its_own_values():
    rows = [f"{t},{70 if t % 30 == 0 else ''},{60 if t != 134 else ''}" for t in range(0, 200, 2)]
    missing = [
        (event.channel, event.t_s)
        for event in decode("\n".join(["t_s,ABP_MEAN,HR", *rows]))
        if isinstance(event, Sample) and event.reason is Reason.MISSING and event.t_s > 30
    ]

    assert missing == [("HR", 134.0)]


def test_a_value_that_was_due_and_stays_away_is_missing_until_it_comes():
    rows = [f"{t},{70 if t < 30 or t == 60 else ''}" for t in range(0, 70, 10)]
    missing = [event.t_s for event in decode("\n".join(["t_s,ABP_MEAN", *rows])) if not event.valid]

    assert missing == [30.0, 40.0, 50.0]


def test_an_impossible_value_is_kept_and_out_of_range():
    (sample,) = decode("t_s,ABP_MEAN\n0,9\n")

    assert (sample.value, sample.valid, sample.reason) == (9.0, False, Reason.RANGE)


@pytest.mark.parametrize(
    "text",
    [
        "t_s,ABP_MEAN\n0,70\n1,71\n",
        "t_s,ABP_MEAN\r\n0,70\r\n1,71",
        "\ufefft_s,ABP_MEAN\n0,70\n\n1,71\n\n",
        'ABP_MEAN , t_s\n70 , 0\n"71","1"\n',
    ],
)
def test_line_ends_marks_blanks_quotes_and_column_order_do_not_matter(text: str):
    assert points(text) == [(0.0, 70.0), (1.0, 71.0)]


def test_a_step_of_a_day_and_epoch_seconds_are_times():
    assert points("t_s,ABP_MEAN\n1714550400,70\n1714636800,71\n") == [
        (1714550400.0, 70.0),
        (1714636800.0, 71.0),
    ]


def test_a_time_may_repeat():
    assert points("t_s,ABP_MEAN\n1,70\n1,71\n") == [(1.0, 70.0), (1.0, 71.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "case.csv: line 1: no header"),
        ("t_s,ABP_MEAN\n", "line 2: no rows below the header"),
        ("t_s,ABP_MAEN\n0,1\n", "line 1, column ABP_MAEN: unknown column; did you mean ABP_MEAN?"),
        ("t_s,MAP\n0,1\n", "column MAP: unknown column; did you mean ABP_MEAN?"),
        (
            "t_s;ABP_MEAN\n0;70,5\n",
            "line 1: columns separated by semicolons; save the file with commas between the columns",
        ),
        ('"t_s";"ABP_MEAN"\n', "line 1: columns separated by semicolons"),
        ("t_s\tABP_MEAN\n0\t70\n", "line 1: columns separated by tabs; save the file with commas"),
        ("t_s,ABP_MEAN\n0;70\n", "line 2: columns separated by semicolons"),
        ("t_s,ABP_MEAN,\n0,70,\n", "line 1, column 3: a column without a name; delete the comma at the end"),
        ("t_s,,ABP_MEAN\n0,,70\n", "line 1, column 2: a column without a name; name it or delete it"),
        ("t_s,ABP_MEAN\n0,70,\n", "line 2: 3 cells where the header has 2; give every row a cell for each"),
        ("t_s,ABP_MEAN\n0,70,\n", "and no comma at its end"),
        (
            "t_s,ABP_MEAN\r0,70\r",
            "line 1: lines that end in CR alone; save the file with line ends LF or CRLF",
        ),
        ("t_s,ABP_MEAN\n00:00:00,70\n", "line 2, column t_s: '00:00:00' is not a number; write seconds from"),
        ("t_s,ABP_MEAN\n2024-05-01 08:00,70\n", "is not a number; write seconds from the start"),
        ("t_s,ABP_MEAN\nsoon,70\n", "column t_s: 'soon' is not a number; write its seconds as a number"),
        ('t_s,ABP_MEAN\n0,"70,5"\n', "column ABP_MEAN: '70,5' is not a number; write a decimal point"),
        (
            't_s,ABP_MEAN\n0,"80\n10,90\n20,80\n',
            "line 2, column ABP_MEAN: a quote that does not close in its cell; delete the quotes",
        ),
        ('t_s,ABP_MEAN\n"0,80\n1",90\n', "line 2, column t_s: a quote that does not close"),
        ('t_s,ABP_MEAN\n0,8"0\n', "line 2, column ABP_MEAN: a quote that does not close"),
        ('t_s,"ABP_MEAN\n0,80\n', "line 1, column 2: a quote that does not close"),
        (
            "t_s,ABP_MEAN\n0,70\n100000,71\n",
            "line 3, column t_s: time leaps by more than a day, from 0 to 100000 s; write seconds, not milli",
        ),
        (
            "t_s,ABP_MEAN\n1714550400000,70\n",
            "line 2, column t_s: 1714550400000 s is beyond 1e+11 s; write seconds, not milliseconds",
        ),
        (
            "t_s,ABP_WAVE\n0,70\n0,71\n",
            "line 3, column ABP_WAVE: two samples less than 0.0001 s apart; write t_s",
        ),
        ("t_s,ABP_WAVE\n0,70\n1,\n", "column ABP_WAVE: the only sample of its wave has no rate"),
        ("t_s,ABP_MEAN,ABP_MEAN\n0,1,1\n", "line 1, column ABP_MEAN: the column stands twice"),
        ("t_s,NIBP_MEAN,HR\n0,1,1\n", "line 1, column ABP_MEAN: no arterial pressure"),
        ("ABP_MEAN,HR\n0,1\n", "line 1, column t_s: the column is missing"),
        (
            "t_s,ABP_MEAN\n0,70\n1,low\n",
            "line 3, column ABP_MEAN: 'low' is not a number; leave the cell empty",
        ),
        ("t_s,ABP_MEAN\n0,nan\n", "line 2, column ABP_MEAN: 'nan' is not a number"),
        ("t_s,ABP_MEAN\n0,inf\n", "'inf' is not a number"),
        ("t_s,ABP_MEAN\n0,7_0\n", "'7_0' is not a number"),
        (
            "t_s,ABP_MEAN\n10,70\n9.5,71\n",
            "line 3, column t_s: time goes back from 10 to 9.5 s; sort the rows",
        ),
        ("t_s,ABP_MEAN\n,70\n", "line 2, column t_s: a row without a time"),
        ("t_s,ABP_MEAN\n,\n", "line 2, column t_s: a row without a time"),
        ("t_s,ABP_MEAN\n0,70,3\n", "line 2: 3 cells where the header has 2"),
        ("t_s,ABP_MEAN\n0\n", "line 2: 1 cells where the header has 2"),
        (b"t_s,ABP_MEAN\n0,7\xb5\n", "line 2: byte 4 (0xb5) is not UTF-8; save the file as UTF-8"),
        (b"\xff\xfet\x00_\x00s\x00", "line 1: byte 1 (0xff) is not UTF-8"),
        ("t_s,ABP_MEAN\n" + "1" * (MAX_LINE + 1), f"line 2: longer than {MAX_LINE} bytes"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_place_and_mend(text: str | bytes, said: str):
    assert said in refusal(text)


def test_only_the_first_fault_is_told():
    assert refusal("t_s,ABP_MEAN\n0,a\n0,b\n").count("\n") == 0


def test_a_wave_column_becomes_runs_that_end_where_the_beat_is_left():
    rows = [f"{at / 100:.2f},{at}" for at in range(300)] + [f"{9 + at / 100:.2f},{at}" for at in range(5)]
    chunks = [event for event in decode("\n".join(["t_s,ABP_WAVE", *rows])) if isinstance(event, WaveChunk)]

    assert [(chunk.t_s, len(chunk.values)) for chunk in chunks] == [
        (0.0, MAX_RUN),
        (2.56, 300 - MAX_RUN),
        (9.0, 5),
    ]
    assert [round(chunk.rate_hz, 3) for chunk in chunks] == [100.0, 100.0, 100.0]
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks[:2]]), np.arange(300))


def test_an_empty_wave_cell_is_a_gap_and_never_a_number():
    events = decode("t_s,ABP_WAVE\n0,70\n1,71\n2,\n3,72\n4,73\n")

    assert [(event.t_s, event.values.tolist()) for event in events] == [(0.0, [70, 71]), (3.0, [72, 73])]


def test_counts_say_bytes_rows_and_samples():
    decoder = CsvDecoder("case.csv")
    decoder.feed(b"t_s,ABP_MEAN,HR\n0,70,60\n1,71,61")
    decoder.close()

    assert (decoder.counts.bytes, decoder.counts.frames, decoder.counts.samples) == (31, 2, 4)


cells = st.sampled_from(["70", "", "61.5", "300"])


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12), size=st.integers(1, 20))
def test_any_chunking_gives_the_same_events(rows: list[tuple[str, str, str]], size: int):
    lines = ["t_s,ABP_MEAN,HR,ABP_WAVE", *(f"{at},{','.join(row)}" for at, row in enumerate(rows))]

    def outcome(size: int | None) -> str:
        try:
            return repr(decode("\n".join(lines), size))
        except InputError as error:
            return str(error)

    assert outcome(size) == outcome(None)


@settings(max_examples=150, deadline=None)
@given(tail=st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_in_one_line(tail: bytes):
    try:
        said = f"case.csv: line 2 says {decode(HEAD + tail)[0].value}"
    except InputError as error:
        said = str(error)

    assert said.startswith("case.csv: line ")
    assert said.isprintable()


@settings(max_examples=150, deadline=None)
@given(header=st.text(max_size=20))
def test_any_header_is_read_or_refused_in_one_line(header: str):
    said = refusal(f"t_s,ABP_MEAN,{header}x\n0,70,\n")

    assert said.startswith("case.csv: line ")
    assert said.isprintable()
