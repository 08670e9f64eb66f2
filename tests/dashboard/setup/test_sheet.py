"""Cameras from a table: each row is a camera or says what is wrong with it, and a file from anywhere breaks nothing."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.setup.messages import CameraDraft, CellFault
from dashboard.setup.sheet import COLUMNS, NoTable, read, template

GOOD = "id,site,name,main_url,username,password\na,s,甲,rtsp://10.0.0.1/a,admin,geheim\n"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
BOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="x" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
RELATIONS = '<Relationships xmlns="x"><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'


def xlsx(sheet: str, strings: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("xl/workbook.xml", BOOK)
        book.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        book.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>'
        )
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{strings}</sst>')
    return out.getvalue()


def test_a_row_is_a_camera() -> None:
    (row,) = read(GOOD.encode(), {})
    assert row.draft is not None
    assert (row.number, row.id, row.draft.name, row.draft.main.url) == (2, "a", "甲", "rtsp://10.0.0.1/a")
    assert row.draft.password is not None
    assert row.draft.password.get_secret_value() == "geheim"


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode("gb18030"),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace(",", ";").encode(),
        GOOD.replace("\n", "\r\n").encode() + b",,,,,\r\n",
        GOOD.replace("id,site,name,main_url,username,password", "标识,点位,名称,主码流,用户名,密码").encode(),
    ],
)
def test_whatever_a_spreadsheet_writes_as_csv_is_read(data: bytes) -> None:
    assert read(data, {}) == read(GOOD.encode(), {})


def test_a_workbook_is_read_with_its_gaps_and_both_kinds_of_strings() -> None:
    heads = "".join(f'<c r="{chr(65 + n)}1" t="s"><v>{n}</v></c>' for n in range(4))
    cells = (
        '<c r="A3"><v>7.0</v></c><c r="B3" t="inlineStr"><is><t>s</t></is></c>'
        '<c r="D3" t="inlineStr"><is><t>rtsp://10.0.0.1/</t><t>a</t></is></c>'
    )
    strings = "".join(f"<si><t>{head}</t></si>" for head in ("id", "site", "name", "main_url"))
    (row,) = read(xlsx(f'<row r="1">{heads}</row><row r="3">{cells}</row>', strings), {})
    assert (row.number, row.id, row.draft) == (3, "7", None)
    assert row.fault == CellFault(column="name", code="missing"), "C3 is empty, and D3 did not move into its place"


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",s,甲,rtsp://10.0.0.1/a", "id", "missing"),
        ("a b,s,甲,rtsp://10.0.0.1/a", "id", "id"),
        ("a,,甲,rtsp://10.0.0.1/a", "site", "missing"),
        ("a,s,,rtsp://10.0.0.1/a", "name", "missing"),
        (f"a,s,{'甲' * 200},rtsp://10.0.0.1/a", "name", "too_long"),
        ("a,s,甲,", "main_url", "missing"),
        ("a,s,甲,http://10.0.0.1/a", "main_url", "url"),
        ("a,s,甲,rtsp://admin:geheim@10.0.0.1/a", "main_url", "url"),
    ],
)
def test_a_fault_names_its_column_and_no_password(row: str, column: str, code: str) -> None:
    (found,) = read(f"id,site,name,main_url\n{row}\n".encode(), {})
    assert found.draft is None
    assert found.fault is not None
    assert (found.fault.column, found.fault.code) == (column, code)
    assert "geheim" not in found.fault.model_dump_json()


def test_a_camera_that_stands_twice_is_taken_once() -> None:
    rows = read((GOOD + "a,s,乙,rtsp://10.0.0.2/a\n").encode(), {})
    assert [row.fault for row in rows] == [None, CellFault(column="id", code="twice", value="2")]


def test_what_a_row_leaves_out_of_a_camera_that_is_there_stays() -> None:
    (drawn,) = read(GOOD.encode(), {})
    assert drawn.draft is not None
    zone = {"id": "z", "name": "z", "polygon": [(0, 0), (1, 0), (1, 1)]}
    kept = CameraDraft.model_validate({**drawn.draft.model_dump(), "zones": [zone], "password": None})
    (row,) = read("id,site,name,main_url\na,s,新名,rtsp://10.0.0.1/b\n".encode(), {"a": kept})
    assert row.draft is not None
    assert (row.draft.name, row.draft.zones, row.draft.username) == ("新名", kept.zones, "admin")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (xlsx(""), "empty"),
        (b"PK\x03\x04", "xlsx"),
        (b"PK" + bytes(100), "xlsx"),
        (xlsx("<row><c"), "xlsx"),
        (b"\xff\xfe\x00", "encoding"),
        (b"name\nx\n", "columns"),
    ],
)
def test_what_is_no_table_is_told_by_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(NoTable) as told:
        read(data, {})
    assert told.value.reason == reason


def test_entities_are_not_expanded() -> None:
    book = io.BytesIO(xlsx(""))
    with zipfile.ZipFile(book, "a") as more, pytest.warns(UserWarning, match="Duplicate"):
        more.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + BOOK)
    with pytest.raises(NoTable):
        read(book.getvalue(), {})


@given(st.binary(max_size=200))
def test_no_file_breaks_it(data: bytes) -> None:
    try:
        read(data, {})
        read(b"PK" + data, {})
    except NoTable:
        pass


def test_the_template_names_every_column() -> None:
    text = template().decode("utf-8-sig")
    assert text.splitlines()[0].split(",") == list(COLUMNS)
    (row,) = read(template(), {})
    assert row.fault is None
