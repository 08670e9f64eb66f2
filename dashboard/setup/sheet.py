"""Cameras from a table, CSV or XLSX: one a row, each row with what is wrong with it. Pure.

XLSX is read as far as a table of plain cells needs (ECMA-376, part 1, 18.3 and 18.4): the first sheet, shared and
inline strings, numbers. A library for it would bring numpy into this process.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from xml.etree import ElementTree

from pydantic import ValidationError

from dashboard.setup.messages import CameraDraft, CellCode, CellFault, Column

COLUMNS: tuple[Column, ...] = get_args(Column)
HEADS: Mapping[str, Column] = {
    **{column: column for column in COLUMNS},
    **{"标识": "id", "点位": "site", "名称": "name", "英文名称": "name_en", "主码流": "main_url", "子码流": "sub_url"},
    **{"用户名": "username", "密码": "password"},
}
"""What a column may be headed."""
NEEDED: tuple[Column, ...] = ("id", "site", "name", "main_url")
MOST_ROWS = 5000
MOST_BYTES = 32 << 20
"""Unpacked: a small file can hold a large nothing."""

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class NoTable(ValueError):
    """The file is no table that can be read. ``str()`` says why, in one sentence; ``reason`` in a word, with
    ``value``: of ``columns`` those that are missing, of ``rows`` and ``size`` (MiB) how much is read at most."""

    def __init__(
        self,
        reason: Literal["empty", "columns", "rows", "encoding", "csv", "xlsx", "size"],
        sentence: str,
        value: str | int = "",
    ) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.value = str(value)


@dataclass(frozen=True, slots=True)
class Row:
    """``number`` as a spreadsheet counts. Exactly one of ``draft`` and ``fault`` is there."""

    number: int
    id: str
    name: str
    draft: CameraDraft | None
    fault: CellFault | None


def template() -> bytes:
    """An empty table with one example, which Excel opens as UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    example = ("cam-001", "s01", "东巷口", "East lane", "rtsp://10.0.0.64:554/main", "rtsp://10.0.0.64:554/sub")
    writer.writerow((*example, "admin", ""))
    return ("\ufeff" + text.getvalue()).encode("utf-8")


def read(data: bytes, kept: Mapping[str, CameraDraft]) -> list[Row]:
    """The rows. ``kept``: cameras that are there already: what a row leaves out of one stays as it is.

    Raises :class:`NoTable`.
    """
    lines = list(_xlsx(data) if data[:2] == b"PK" else _csv(data))
    lines = [line for line in lines if any(cell.strip() for cell in line[1])]
    if not lines:
        raise NoTable("empty", "the table is empty")
    heads = [HEADS.get(cell.strip().lower()) for cell in lines[0][1]]
    missing = [name for name in NEEDED if name not in heads]
    if missing:
        names = ", ".join(missing)
        raise NoTable("columns", f"the first row must name the columns; missing: {names}", names)
    if len(lines) - 1 > MOST_ROWS:
        raise NoTable("rows", f"more than {MOST_ROWS} rows: split the table", MOST_ROWS)
    rows, seen = [], dict[str, int]()
    for number, cells in lines[1:]:
        values = {head: cell.strip() for head, cell in zip(heads, cells, strict=False) if head is not None}
        row = _row(number, values, kept.get(values.get("id", "")))
        if row.draft is not None and row.id in seen:
            row = Row(number, row.id, row.name, None, CellFault(column="id", code="twice", value=str(seen[row.id])))
        seen.setdefault(row.id, number)
        rows.append(row)
    return rows


def _row(number: int, values: Mapping[Column, str], kept: CameraDraft | None) -> Row:
    name, id_ = values.get("name", ""), values.get("id", "")
    transport = "tcp" if kept is None else kept.main.transport
    told: dict[str, object] = {} if kept is None else kept.model_dump()
    told |= {"id": id_, "site": values.get("site", ""), "name": name}
    told["main"] = {"url": values.get("main_url", ""), "transport": transport}
    optional: tuple[Column, ...] = ("name_en", "username", "password")
    for column in optional:
        if values.get(column):
            told[column] = values[column]
    if values.get("sub_url"):
        told["sub"] = {"url": values["sub_url"], "transport": transport}
    try:
        return Row(number, id_, name, CameraDraft.model_validate(told), None)
    except ValidationError as error:
        return Row(number, id_, name, None, _fault(error, values))


_FIELDS: Mapping[str, Column] = {"main": "main_url", "sub": "sub_url", **{column: column for column in COLUMNS}}
_CODES: Mapping[tuple[Column, str], CellCode] = {
    ("id", "string_pattern_mismatch"): "id",
    ("main_url", "value_error"): "url",
    ("sub_url", "value_error"): "url",
}


def _fault(error: ValidationError, values: Mapping[Column, str]) -> CellFault:
    # Without the input: a cell may hold a password.
    first = error.errors(include_url=False, include_input=False)[0]
    column = _FIELDS.get(str(first["loc"][0]), "id")
    kind = str(first["type"])
    if not values.get(column):
        return CellFault(column=column, code="missing")
    too_long = kind == "string_too_long"
    return CellFault(column=column, code="too_long" if too_long else _CODES.get((column, kind), "invalid"))


def _csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    for encoding in ("utf-8-sig", "gb18030"):  # the second: what Excel in Chinese writes as CSV
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise NoTable("encoding", "neither an XLSX file nor CSV in UTF-8 or GB 18030")
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1)
    except csv.Error as error:
        raise NoTable("csv", f"not CSV: {error}") from None


def _xlsx(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            if sum(entry.file_size for entry in book.infolist()) > MOST_BYTES:
                most = MOST_BYTES >> 20
                raise NoTable("size", f"the file unpacks to more than {most} MiB", most)
            shared: Sequence[str] = ()
            if "xl/sharedStrings.xml" in book.namelist():
                shared = [_text(item) for item in _parsed(book, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]
            sheet = _parsed(book, _first_sheet(book))
    except (zipfile.BadZipFile, KeyError, IndexError, ElementTree.ParseError, NotImplementedError, RuntimeError):
        raise NoTable("xlsx", "not an XLSX file that can be read") from None
    for index, row in enumerate(sheet.iter(f"{_MAIN}row"), start=1):
        cells: list[str] = []
        for cell in row.iter(f"{_MAIN}c"):
            column = _column(cell.get("r", ""), len(cells))
            cells += [""] * (column - len(cells))
            cells.append(_value(cell, shared))
        yield int(row.get("r", index)), cells


def _first_sheet(book: zipfile.ZipFile) -> str:
    relation = next((each.get(_RELATION) for each in _parsed(book, "xl/workbook.xml").iter(f"{_MAIN}sheet")), None)
    for each in _parsed(book, "xl/_rels/workbook.xml.rels"):
        if each.get("Id") == relation:
            return "xl/" + each.get("Target", "").removeprefix("/xl/")
    raise KeyError(relation)


def _parsed(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    data = book.read(name)
    if b"<!DOCTYPE" in data or b"\0" in data:  # no spreadsheet has one, and entities can grow without end
        raise NoTable("xlsx", "not an XLSX file that can be read")
    return ElementTree.fromstring(data)  # noqa: S314 - without a document type there are no entities to expand


def _column(reference: str, following: int) -> int:
    """``C7`` → 2; a cell without a reference follows the one before it."""
    letters = re.match(r"[A-Z]{1,3}", reference)
    if letters is None:
        return following
    number = 0
    for letter in letters[0]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return min(max(number - 1, following), following + 256)


def _value(cell: ElementTree.Element, shared: Sequence[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _text(cell)
    value = cell.findtext(f"{_MAIN}v", "")
    if cell.get("t") == "s":
        return shared[int(value)] if value.isdecimal() and int(value) < len(shared) else ""
    return value.removesuffix(".0")


def _text(item: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in item.iter(f"{_MAIN}t"))
