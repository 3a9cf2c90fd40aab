"""Tables of text: every usual dialect reads back equal, what may be read in two ways is refused, and all is said."""

import gzip
import io
import shlex

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_core.data import read_dataset, read_dataset_bytes
from convex_core.errors import InputError

X = np.array([[0.5, -1.25, 3.0], [1e-3, 2.5, -0.75], [4.0, 0.125, -2.0], [-1.5, 7.0, 0.5]])
SIGNS = np.array([1.0, -1.0, -1.0, 1.0])


def read(text, name="mine.csv", target=None):
    return read_dataset_bytes(text if isinstance(text, bytes) else text.encode(), name, target=target)


def refused(text, name="mine.csv", target=None):
    with pytest.raises(InputError) as caught:
        read(text, name, target)
    message = str(caught.value)
    assert "\n" not in message
    assert "got" in message
    assert "expected" in message
    assert name in message
    return message


def table(names=("a", "b", "c", "y"), **options):
    frame = pd.DataFrame(np.column_stack([X, SIGNS]), columns=names)
    text = io.StringIO(newline="")
    frame.to_csv(text, **({"index": False} | options))
    return text.getvalue()


def equal(dataset):
    np.testing.assert_array_equal(dataset.X, X)
    np.testing.assert_array_equal(dataset.y, SIGNS)


# --- how a table is written


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize(
    ("separator", "word"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (" ", "blanks")]
)
def test_separator_and_decimal_sign_are_found_and_said(separator, word, decimal, header):
    dataset = read(table(sep=separator, decimal=decimal, header=header))
    equal(dataset)
    assert f"separated by {word}" in dataset.description
    assert ("with decimal commas" in dataset.description) is (decimal == ",")
    assert ("with a header" in dataset.description) is header


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-mark", "utf-32", "latin-1"])
def test_encodings_and_line_ends_do_not_matter(encoding, ending):
    text = table(names=("Größe", "b", "c", "y"), lineterminator=ending)
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-mark" else text.encode(encoding)
    equal(read(data))
    assert ("UTF-16 text" in read(data).description) is encoding.startswith("utf-16")
    equal(read(data, target="y"))


def test_gzip_is_found_by_content_whatever_the_name():
    for name in ("mine.csv.gz", "mine.csv", "mine.CSV.GZ"):
        dataset = read(gzip.compress(table().encode()), name)
        equal(dataset)
        assert (dataset.name, "gzip" in dataset.description) == ("mine", True)
    equal(read(table(), "mine.csv.gz"))


def test_the_line_of_a_spreadsheet_that_says_the_separator_is_followed():
    equal(read("sep=;\r\n" + table(sep=";", decimal=",", lineterminator="\r\n")))
    equal(read("sep=:\n" + table(sep=":")))


def test_a_unicode_minus_is_a_minus_and_a_dash_is_not():
    equal(read(table(header=False).replace("-", "\u2212")))
    assert "line 1, column 2: got '–1.25'" in refused(table(header=False).replace("-", "–"))


def test_blank_lines_comments_and_trailing_separators_lose_nothing():
    lines = table(sep=";").splitlines()
    text = "\n".join(["# measured by hand", "", *(f"{line};" for line in lines), "# the end", ";" * 4, ""])
    dataset = read(text)
    equal(dataset)
    for said in ("2 comment lines skipped", "separators at the ends of lines", "empty fields at the end"):
        assert said in dataset.description
    assert "no samples" in refused("sep=;\n;;;\n;;;\n")
    assert "line 3: got empty fields only" in refused("a,b,y\n1,2,3\n,,\n4,5,6\n")


def test_numpy_writes_names_into_a_comment_and_they_are_used():
    text = io.BytesIO()
    np.savetxt(text, np.column_stack([SIGNS, X]), header="y a b c")
    dataset = read(text.getvalue(), "mine.txt")
    equal(dataset)
    assert "header in a comment" in dataset.description


@pytest.mark.parametrize("text", ["1e5", "1E+05", ".5", "5.", "+1", " 2 ", "1e-400", "-0"])
def test_usual_ways_to_write_a_number(text):
    assert read(f"a,y\n{text},1\n").X.item() == float(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NA",
        "NaN",
        "nan",
        "null",
        "None",
        "#N/A",
        "?",
        "inf",
        "-Infinity",
        "1e999",
        "1_000",
        '"1,234.5"',
        "1 2",
        "0x1",
    ],
)
def test_what_is_no_finite_number_is_refused_with_its_place(text):
    message = refused(f"a,b,y\n1,2,3\n4,{text},6\n7,8,9\n")
    assert "line 3, column 2 ('b'): got " in message
    assert (text.strip('"') or "an empty field") in message
    assert "line 3, column 3 ('y'): got " in refused(f"a,b,y\n1,2,3\n4,5,{text}\n7,8,9\n")


def test_thousands_and_decimal_commas_are_not_guessed():
    assert "may be a decimal comma or part of a thousand" in refused("1,234;5\n6,789;1\n")
    assert read("1,234;5\n0,789;1\n").X.ravel().tolist() == [1.234, 0.789]
    assert "line 2, column 1: got '1.5'" in refused("1,5;2\n1.5;1\n")


def test_quotes_hold_separators_and_names():
    dataset = read('"a, really","b ""x""",y\n"1","2","3"\n"4","5","6"\n', target='b "x"')
    assert (dataset.y.tolist(), dataset.X.tolist()) == ([2, 5], [[1, 3], [4, 6]])
    assert "line 2: got" in refused('1,2\n"3,4\n5,6\n')


# --- headers


def test_a_first_line_with_one_bad_entry_is_no_header():
    assert "line 1, column 3: got 'x'" in refused("0.5,1.5,x,1\n1.5,2,3,0\n2,3,4,1\n")
    assert "line 1, column 2: got an empty field" in refused("0.5,,2\n1.5,2,3\n")
    assert "line 1, column 2: got 'NA'" in refused("0.5,NA,2\n1.5,2,3\n")
    assert "line 1, column 4: got 'one'" in refused("0.5,1.5,2,one\n1.5,2,3,0\n2,3,4,1\n")


def test_a_line_of_units_below_the_header_is_named():
    assert "line 2, column 1 ('a'): got 'mV'" in refused("a,b,y\nmV,mV,class\n1,2,1\n3,4,-1\n")


@pytest.mark.parametrize("names", [(0, 1, 2, 3), (0, 1, 2, "y"), (400, 410, 420, "label"), ("1", "2", "3", "target")])
@pytest.mark.parametrize("index", [True, False])
def test_a_header_of_whole_numbers_is_a_header(names, index):
    dataset = read(table(names=names, index=index))
    equal(dataset)
    assert "with a header" in dataset.description


def test_whole_numbers_above_whole_numbers_are_refused_or_told_apart_by_the_labels():
    pixels = np.random.default_rng(0).integers(0, 9, (20, 4))
    frame = pd.DataFrame(np.column_stack([pixels, np.arange(20) % 2]))
    np.testing.assert_array_equal(read(frame.to_csv(index=False), target="last").X, pixels)
    assert "which may be a sample or numbers of columns" in refused("0,1,2\n3,4,5\n6,7,8\n")
    assert "which may be a sample or numbers of columns" in refused(table(names=(400, 410, 425, 7)))
    assert read("1,2,3\n4,5,6\n").y.tolist() == [3, 6]


def test_text_labels_without_a_header_keep_their_first_sample():
    dataset = read("5.1,3.5,setosa\n4.9,3.0,virginica\n6.1,2.8,setosa\n")
    assert (dataset.n, dataset.y.tolist(), dataset.labels) == (3, [-1, 1, -1], ("setosa", "virginica"))
    dataset = read("setosa\t5.1\t3.5\nvirginica\t4.9\t3.0\nsetosa\t6.1\t2.8\n")
    assert (dataset.X[:, 0].tolist(), dataset.y.tolist()) == ([5.1, 4.9, 6.1], [-1, 1, -1])


# --- which column is what


@pytest.mark.parametrize("name", ["y", "Y", "label", "Label", "CLASS", "class", "target", " Target "])
@pytest.mark.parametrize("place", range(4))
def test_a_column_with_the_name_of_a_target_is_y_wherever_it_stands(name, place):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame.insert(place, name, SIGNS)
    dataset = read(frame.to_csv(index=False))
    equal(dataset)
    assert f"({name.strip()!r})" in dataset.description


def test_two_names_of_targets_are_refused():
    assert "--target" in refused(table(names=("y", "b", "c", "class")))
    equal(read(table(names=("y", "b", "c", "class")), target="class"))


def test_the_target_can_be_named_or_be_first_or_last():
    text = table(names=("a", "b", "c", "d"))
    for target, column in (("first", 0), ("last", 3), ("b", 1), ("C", 2)):
        dataset = read(text, target=target)
        np.testing.assert_array_equal(dataset.y, np.column_stack([X, SIGNS])[:, column])
        np.testing.assert_array_equal(dataset.X, np.delete(np.column_stack([X, SIGNS]), column, axis=1))
    assert "got 'z', expected first, last or a name in the header: 'a', 'b', 'c', 'd'" in refused(text, target="z")
    assert "without a header" in refused(table(header=False), target="a")
    assert "a word for another one" in refused(table(names=("a", "first", "c", "d")), target="first")


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "id"])
def test_a_column_that_counts_the_rows_is_left_out_and_said(name, start):
    frame = pd.DataFrame(np.column_stack([X, SIGNS]), columns=["a", "b", "c", "y"])
    frame.insert(0, name, np.arange(start, start + 4))
    dataset = read(frame.to_csv(index=False))
    equal(dataset)
    assert "which counts the rows, was left out" in dataset.description


def test_a_named_column_that_counts_is_an_input():
    dataset = read("time,a,y\n0,0.5,1\n1,1.5,2\n2,0.25,4\n")
    assert dataset.X[:, 0].tolist() == [0, 1, 2]


def test_shuffled_numbers_and_names_of_rows_are_left_out():
    frame = pd.DataFrame(np.column_stack([X, SIGNS]), columns=["a", "b", "c", "y"], index=[7, 2, 31, 4])
    equal(read(frame.to_csv()))
    frame.index = ["one", "two", "three", "four"]
    equal(read(frame.to_csv()))
    equal(read(frame.to_csv(header=False)))
    assert "names the rows" in read(frame.to_csv()).description
    frame.index = [7, 2, 7, 4]
    assert "column 1: got a header without a name for it" in refused(frame.to_csv())


def test_r_writes_no_name_for_the_names_of_rows():
    body = "".join(
        f'"{k + 1}" {" ".join(map(str, x))} {int(y)}\n' for k, (x, y) in enumerate(zip(X, SIGNS, strict=True))
    )
    equal(read('"a" "b" "c" "y"\n' + body, "mine.txt"))
    equal(read(body, "mine.txt"))


def test_without_a_header_an_index_beside_whole_numbers_is_refused():
    rows = [f"{k},{k * k % 7},{k % 3},{k % 2}" for k in range(12)]
    assert "which may count the rows or be an input" in refused("\n".join(rows))


def test_labels_at_both_ends_without_a_name_are_refused():
    rng = np.random.default_rng(1)
    labels, pixels = np.arange(20) % 3, rng.integers(0, 256, (20, 5))
    for last in (pixels, np.column_stack([pixels, rng.integers(0, 2, 20)]), rng.normal(size=(20, 4)).round(3)):
        text = pd.DataFrame(np.column_stack([labels, last])).to_csv(index=False, header=False)
        message = refused(text)
        assert "--target" in message
        assert "first" in message
        dataset = read(text, target="first")
        np.testing.assert_array_equal(dataset.y, labels)
        np.testing.assert_array_equal(dataset.X, last)
        np.testing.assert_array_equal(read(text, target="last").y, last[:, -1])


def test_the_last_column_is_y_where_the_first_cannot_be():
    equal(read(table(header=False)))
    binary = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0]])
    text = pd.DataFrame(np.column_stack([binary, SIGNS])).to_csv(index=False, header=False)
    np.testing.assert_array_equal(read(text).y, SIGNS)  # the only column of -1 and +1


def test_the_column_outside_a_numbered_series_of_names_is_y():
    pixels = np.random.default_rng(2).integers(0, 9, (20, 3))
    digits = np.arange(20) % 3
    for names, at in ((["digit", "p0", "p1", "p2"], 0), (["p0", "p1", "p2", "digit"], 3)):
        frame = pd.DataFrame(np.insert(pixels, at, digits, axis=1), columns=names)
        np.testing.assert_array_equal(read(frame.to_csv(index=False)).y, digits)


def test_text_among_the_inputs_and_mixed_targets_are_refused_with_the_place():
    assert "line 3, column 2 ('b'): got 'x'" in refused("a,b,y\n1,2,3\n4,x,6\n")
    assert "line 4, column 3 ('y'): got 'x', expected a number as in line 2" in refused("a,b,y\n1,2,1\n4,5,0\n4,5,x\n")
    assert "line 3, column 3 ('y'): got 1, expected text as in line 2" in refused("a,b,y\n1,2,u\n4,5,1\n4,5,x\n")
    assert "line 3, column 3 ('y'): got 'NA'" in refused("a,b,y\n1,2,u\n4,5,NA\n4,5,x\n")
    assert "different texts" in refused("a,b,who\n1,2,Ann\n3,4,Ben\n5,6,Cleo\n")


# --- classes


@pytest.mark.parametrize(
    ("words", "labels"),
    [(("True", "False"), ("False", "True")), (("no", "yes"), ("no", "yes")), (("b", "a", "c"), ("a", "b", "c"))],
)
def test_text_and_booleans_in_y_become_named_classes(words, labels):
    y = [words[k % len(words)] for k in range(6)]
    dataset = read("a,b,y\n" + "".join(f"{k}.5,1,{word}\n" for k, word in enumerate(y)))
    assert dataset.labels == labels
    numbers = (-1.0, 1.0) if len(labels) == 2 else range(len(labels))
    assert dataset.y.tolist() == [numbers[labels.index(word)] for word in y]
    assert f"the {len(labels)} classes {labels[0]} (" in dataset.description
    assert "single class" in refused("a,b,y\n1,2,u\n4,5,u\n")


def test_numbers_stay_numbers_until_a_loss_asks_for_classes():
    dataset = read("a,b,y\n" + "".join(f"{k}.5,1,{3 + k % 3}\n" for k in range(6)))
    assert (dataset.labels, dataset.classes, dataset.y.tolist()) == (None, None, [3, 4, 5, 3, 4, 5])
    named = dataset.classified()
    assert (named.labels, named.y.tolist()) == (("3", "4", "5"), [0, 1, 2, 0, 1, 2])
    assert "taken as the 3 classes 3 (0, 2 samples)" in named.description
    assert named.classified() is named


# --- time series


def test_files_of_the_ucr_archive_have_the_label_first():
    rows = np.random.default_rng(3).normal(size=(6, 5)).round(4)
    labels = [3, 1, 2, 3, 1, 2]
    text = "".join(f"{label}\t" + "\t".join(map(str, row)) + "\n" for label, row in zip(labels, rows, strict=True))
    for name in ("Wave_TRAIN.tsv", "Wave_TEST.tsv"):
        dataset = read(text, name)
        np.testing.assert_array_equal(dataset.X, rows)
        assert (dataset.labels, dataset.y.tolist()) == (("1", "2", "3"), [2, 0, 1, 2, 0, 1])
        assert "y is column 1" in dataset.description
    assert "--target" in refused(text, "wave.tsv")
    np.testing.assert_array_equal(read(text, "wave.tsv", target="first").X, rows)
    assert "line 1, column 6: got 'NaN'" in refused(text.replace(f"{rows[0, -1]}\n", "NaN\n"), "Wave_TRAIN.tsv")


HEAD = "# a comment\n@problemName Wave\n@timeStamps false\n@classLabel true up down\n@data\n"


def test_ts_files_of_equal_length():
    dataset = read(HEAD + "1,2,3.5:up\n3,2,1:down\n", "Wave_TRAIN.ts")
    assert (dataset.X.tolist(), dataset.y.tolist(), dataset.labels) == (
        [[1, 2, 3.5], [3, 2, 1]],
        [1, -1],
        ("down", "up"),
    )
    assert "2 samples of 3 numbers" in dataset.description
    dataset = read(HEAD + "1,2,3:4,5,6:up\n3,2,1:0,0,1:down\n", "Wave_TRAIN.ts")
    assert dataset.input_shape == (1, 3, 2)
    assert dataset.X[0].tolist() == [1, 4, 2, 5, 3, 6]
    dataset = read("@targetLabel true\n@data\n1,2:0.5\n3,4:-2\n", "cost.ts")
    assert (dataset.y.tolist(), dataset.labels) == ([0.5, -2], None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + "1,2,3:up\n1,2:down\n", "line 7: got a series of length 2, expected 3"),
        (HEAD + "1,2,3:up\n1,?,2:down\n", "line 7, value 2: got '?'"),
        (HEAD + "1,2,3:up\n1,2,3:left\n", "line 7: got the class 'left', expected one of up, down"),
        (HEAD + "1,2,3\n", "got no colon"),
        (HEAD + "1,2:1,2:up\n1,2:down\n", "got 1 dimensions, expected 2"),
        (HEAD + "1,2:1,2,3:up\n", "got a series of length 3, expected 2"),
        (HEAD, "got no series"),
        ("@classLabel true a\n", "@data"),
        ("@classLabel false\n@data\n1,2\n", "neither @classLabel true nor @targetLabel true"),
        ("@timeStamps true\n@classLabel true a b\n@data\n(0,1),(1,2):a\n", "times of their own"),
        ("1,2,3\n@data\n", "line 1: got '1,2,3'"),
    ],
)
def test_other_ts_files_are_refused_in_one_sentence(text, says):
    assert says in refused(text, "wave.ts")


# --- files of other kinds, and everything at once


def test_files_of_other_kinds_are_refused():
    book = b"PK\x03\x04" + b"\0" * 30
    assert "spreadsheet" in refused(book, "book.csv")
    assert "gzip in gzip" in refused(gzip.compress(gzip.compress(b"1,2\n")), "a.csv.gz")
    assert "damaged" in refused(gzip.compress(table().encode())[:-9], "a.csv.gz")
    assert "control character" in refused(b"1,2\n\x00\x01,3\n")
    assert "expected .npz or .csv" in refused(b"1,2\n", "mine.xlsx")
    with pytest.raises(InputError, match="unpacked"):
        read_dataset_bytes(gzip.compress(b"1,2\n" * 10_000), "bomb.csv", max_bytes=1000)


def test_the_description_names_the_file_and_its_ranges(tmp_path):
    (tmp_path / "my data.csv").write_text(table())
    said = read_dataset(tmp_path / "my data.csv").description
    assert said.startswith("Read from my data.csv: 4 samples of 3 numbers, -2 to 7, as in the file, nothing scaled; ")
    assert "y is the last column ('y'); its values are the numbers -1 (2 times), 1 (2 times)." in said


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_written_table_is_read_back_equal_or_refused(data):
    draw = data.draw
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inputs = draw(st.sampled_from([rng.normal(size=(n, d)), rng.integers(-5, 6, (n, d)), rng.integers(0, 2, (n, d))]))
    words = np.array(["cat", "dog house", "ox"])
    y = draw(st.sampled_from([rng.normal(size=n), rng.choice([-1, 1], n), rng.integers(0, 3, n), rng.choice(words, n)]))
    frame = pd.DataFrame(inputs, columns=[f"x{k}" for k in range(d)])
    place, header = draw(st.integers(0, d)), draw(st.booleans())
    frame.insert(place if header else d, draw(st.sampled_from(["y", "Label", "CLASS", "target"])), y)
    text = io.StringIO(newline="")
    frame.to_csv(
        text,
        sep=draw(st.sampled_from([",", ";", "\t", "|", " "])),
        decimal=draw(st.sampled_from([".", ","])),
        header=header,
        index=header and draw(st.booleans()),
        quoting=draw(st.integers(0, 2)),
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
    )
    written = text.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])))
    try:
        dataset = read(gzip.compress(written) if draw(st.booleans()) else written)
    except InputError:
        return
    np.testing.assert_array_equal(dataset.X, inputs)
    if y.dtype.kind == "U":
        assert dataset.labels is not None
        at = dataset.numbered().y.astype(int)
        assert [dataset.labels[k] for k in at] == y.tolist()
    else:
        np.testing.assert_array_equal(dataset.y, y)


# --- lines that begin with a hash


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!"])
@pytest.mark.parametrize("row", [0, 1, 3])
def test_an_error_of_a_spreadsheet_is_no_comment(error, row):
    lines = table().splitlines()
    lines[1 + row] = error + lines[1 + row][lines[1 + row].index(",") :]
    assert f"line {row + 2}, column 1 ('a'): got '{error}'" in refused("\n".join(lines))


def test_a_label_that_begins_with_a_hash_is_no_comment():
    colours = ["red", "#0f0", "blue", "#fff"]
    text = "\n".join(["colour,a,b"] + [f"{name},{a},{b}" for name, (a, b, _) in zip(colours, X, strict=True)])
    data = read(text, target="first")
    assert data.n == 4
    assert sorted(data.labels) == sorted(colours)


def test_comments_stay_comments():
    plain = table()
    lines = plain.splitlines()
    text = "\n".join(["# made by hand, on a Monday", *lines[:3], "# a remark", *lines[3:], "#end"])
    equal(read(text))


# --- what is silent nowhere


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("width", [3, 4, 9])
def test_a_header_of_floats_that_count_is_no_sample(start, width):
    names = ",".join(f"{start + k}.0" for k in range(width))
    rows = np.random.default_rng(width).standard_normal((6, width))
    rows[:, -1] = np.sign(rows[:, -1])
    numbers = "\n".join(",".join(map(str, row)) for row in rows)
    assert "which may be a sample or numbers of columns, expected a header" in refused(f"{names}\n{numbers}")
    named = read(f"{names},y\n" + "\n".join(f"{line},{k % 2}" for k, line in enumerate(numbers.split("\n"))))
    np.testing.assert_array_equal(named.X, rows)
    texts = read(f"{names}\n" + "\n".join(",".join([*map(str, row[:-1]), "ab"[int(row[-1] > 0)]]) for row in rows))
    assert texts.n == 6
    assert texts.labels == ("a", "b")
    beside = "\n".join(f"{line},{'ab'[k % 2]}" for k, line in enumerate(numbers.split("\n")))
    assert "may be a sample or names" in refused(f"{names},species\n{beside}")


@pytest.mark.parametrize("rows", [2, 3, 4])
@pytest.mark.parametrize("step", [1, 5])
def test_years_above_a_few_rows_of_decimals_are_refused(rows, step):
    years = ",".join(str(1990 + step * k) for k in range(4))
    lines = [",".join(f"{value + 0.25:g}" for value in row) for row in np.arange(4.0 * rows).reshape(rows, 4)]
    assert "which may be a sample or numbers of columns" in refused("\n".join([years, *lines]))


def test_a_first_column_called_id_is_left_out_whatever_it_counts_from_and_kept_aloud_where_it_repeats():
    for ids in ([101, 102, 103, 104], [7, 3, 99, 12], [4, 3, 2, 1]):
        frame = pd.DataFrame(np.column_stack([X, SIGNS]), columns=["a", "b", "c", "y"])
        frame.insert(0, "Id", ids)
        dataset = read(frame.to_csv(index=False))
        equal(dataset)
        assert "the first column, called 'Id', which numbers the rows, was left out" in dataset.description
        frame["Id"] = [1, 1, 2, 2]
        again = read(frame.to_csv(index=False))
        np.testing.assert_array_equal(again.X, np.column_stack([[1, 1, 2, 2], X]))
        assert "the first column, called 'Id', is an input" in again.description


@pytest.mark.parametrize("name", ["species", "kind of flower", "it's"])
def test_text_in_a_column_in_the_middle_names_the_option_that_makes_it_y(name):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame.insert(1, name, ["cat", "dog", "dog", "cat"])
    text = frame.to_csv(index=False)
    message = refused(text)
    option = message[message.index("--target ") :].split(" if this")[0]
    assert shlex.split(option) == ["--target", name]
    chosen = read(text, target=shlex.split(option)[1])
    np.testing.assert_array_equal(chosen.X, X)
    assert chosen.labels == ("cat", "dog")
    assert "a header and --target NAME" in refused(text[text.index("\n") + 1 :])
    assert "--target" not in refused(text, target="a")


@pytest.mark.parametrize(("columns", "said"), [(1, "of 1 number,"), (2, "of 2 numbers,")])
def test_one_number_is_singular(columns, said):
    text = "\n".join(",".join(map(str, [*row[:columns], sign])) for row, sign in zip(X, SIGNS, strict=True))
    assert said in read(text).description


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("@seriesLength 4", "got series of length 4, expected 3 as below @data"),
        ("@dimensions 2", "got dimensions: 2, expected 1 as below @data"),
        ("@dimension 3", "got dimensions: 3, expected 1 as below @data"),
        ("@serieslength 3", ""),
        ("@seriesLength 0", ""),
        ("@dimensions 1", ""),
    ],
)
def test_sizes_that_a_series_file_states_are_those_of_its_data(line, says):
    text = f"{line}\n@classLabel true up down\n@data\n1,2,3.5:up\n3,2,1:down\n"
    if says:
        assert f"line 1: {says}" in refused(text, "wave.ts")
    else:
        assert read(text, "wave.ts").X.shape == (2, 3)
