"""Importing a file of any kind: what each line would do, then doing it, with a word on every line that needs one.

A file is checked in place, beside the form that keeps it. Taking it draws the page while the lines are taken, so that a
long file shows how far it is; whoever goes away before the end has taken what was told so far, and imports it again.

Invariants:
  * Memory does not grow with the file: it is read line by line, and the first lines that need a person are kept.
  * No reading session is open while lines are written.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any
from zoneinfo import ZoneInfo

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from shopnode.documents.spreadsheets import CSV_TYPE, XLSX_TYPE, write_csv, write_xlsx
from shopnode.documents.workbooks import UnreadableWorkbook, as_table
from shopnode.domain.errors import Invalid, NotFound, NotPermitted, ShopError
from shopnode.domain.import_kinds import KINDS, ImportKind, find_kind
from shopnode.domain.importing import Account
from shopnode.domain.sheets import LineResult, Verdict
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.frame import manner, page, part, streamed_page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import is_htmx, read_again

FILE_MAX = 15 * 1024 * 1024  # 100,000 lines are about 8 MB
ROWS_SHOWN = 1_000
TELL_EVERY_LINES = 500
PIECE_CHARACTERS = 8 * 1024
COUNT_PIECE = 256 * 1024
SOURCE_MAX = 100
TOO_LARGE = 413
SEE = {
    "products": ("office.products", "See the products"), "prices": ("office.products", "See the products"),
    "phones": ("office.phones", "See the phones"), "customers": ("office.customers", "See the customers"),
}  # fmt: skip


@bp.get("/imports")
def imports() -> ResponseReturnValue:
    """The first kind of file that this person may import."""
    for kind in _mine():
        return redirect(url_for("office.import_file", kind=kind.key), 303)
    raise NotPermitted


@bp.route("/imports/<kind>", methods=["GET", "POST"])
def import_file(kind: str) -> ResponseReturnValue:
    """Read a CSV file or a workbook into the books, or only say what it would do."""
    chosen = _chosen(kind)
    if request.method == "GET":
        return _form(chosen, {})
    request.max_content_length = FILE_MAX
    on_refusal(lambda error: _refused(chosen, error))
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid({"file": "is needed: choose a CSV or Excel file"})
    run = _Run(chosen, _taken(file), is_check="check" in request.form)
    told = {"kind": chosen, "file_name": file.filename[:100], "run": run, "see": SEE.get(chosen.key)}
    if run.is_check:
        for _ in run.steps():
            pass
        run.finish()
        read_again()
        return part("office/_import_lines.html", **told)
    manner()  # read now: what is drawn later has no session to ask
    crumbs = [("Imports", url_for("office.imports")), (chosen.title, None)]
    drawn = streamed_page("office/import_result.html", crumbs=crumbs, **told)
    g.opened.close()
    return Response(_in_pieces(drawn), content_type="text/html; charset=utf-8")


@bp.get("/imports/<kind>/template.<form>")
def import_template(kind: str, form: str) -> Response:
    """A file to begin with: the columns, and a line or two as an example."""
    chosen = _chosen(kind)
    if form not in ("csv", "xlsx"):
        raise NotFound("This kind of file")
    titles, rows = chosen.template()
    file, zone = io.BytesIO(), ZoneInfo("UTC")
    if form == "csv":
        write_csv(file, titles, rows, zone)
    else:
        write_xlsx(file, chosen.title, titles, rows, zone)
    response = Response(file.getvalue(), content_type=CSV_TYPE if form == "csv" else XLSX_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{chosen.key}.{form}"'
    return response


class _Run:
    """One reading of a file: opened before anything is answered, so that what is no table is refused in the form."""

    def __init__(self, kind: ImportKind, file: IO[bytes], *, is_check: bool):
        self.is_check, self.is_whole = is_check, "whole" in request.form
        self.account, self.stopped_by = Account(ROWS_SHOWN), ""
        source = request.form.get("source", "").strip()[:SOURCE_MAX] or None
        with ExitStack() as undo:
            undo.callback(file.close)
            self.lines = _count_lines(file)
            try:
                table = undo.enter_context(as_table(file))
                self._results = kind.run(g.ctx, table, dry_run=is_check, whole=self.is_whole, source=source)
            except UnreadableWorkbook as wrong:
                raise Invalid({"file": str(wrong)}) from None
            self._close = undo.pop_all().close

    def steps(self) -> Iterator[int]:
        """Go through the file; how many lines were done, every so often. What stops it is kept in words."""
        try:
            yield 0
            for line in self._results:
                self.account.add(line)
                if self.account.total % TELL_EVERY_LINES == 0:
                    yield self.account.total
        except ShopError as refusal:
            self.stopped_by = " ".join(field_errors(refusal).values())
        finally:
            self._close()

    def finish(self) -> None:
        """Raises Invalid when the file could not be gone through."""
        if self.stopped_by:
            raise Invalid({"file": self.stopped_by})

    @property
    def counts(self) -> dict[str, int]:
        return {verdict.value: self.account.counts[verdict] for verdict in Verdict}

    @property
    def rows(self) -> list[LineResult]:
        return self.account.lines()

    @property
    def hidden(self) -> int:
        return self.account.total - len(self.rows)


def _taken(file: FileStorage) -> IO[bytes]:
    """The file that was sent. The request would close it before the page is drawn, so it is no longer the request's."""
    sent, file.stream = file.stream, io.BytesIO()
    return sent


def _count_lines(file: IO[bytes]) -> int:
    """About how many lines there are; 0 for a workbook, which does not say."""
    is_zip = file.read(4).startswith(b"PK")
    file.seek(0)
    count = 0 if is_zip else sum(piece.count(b"\n") for piece in iter(lambda: file.read(COUNT_PIECE), b""))
    file.seek(0)
    return count


def _in_pieces(drawn: Iterator[str]) -> Iterator[str]:
    """What was drawn, in pieces worth sending; how far it is goes out at once."""
    kept: list[str] = []
    size = 0
    for piece in drawn:
        kept.append(piece)
        size += len(piece)
        if size >= PIECE_CHARACTERS or "</progress>" in piece:
            yield "".join(kept)
            kept, size = [], 0
    yield "".join(kept)


def _mine() -> list[ImportKind]:
    return [kind for kind in KINDS.values() if kind.may(g.ctx)]


def _chosen(key: str) -> ImportKind:
    """Raises NotFound, NotPermitted."""
    kind = find_kind(key)
    if not kind.may(g.ctx):
        raise NotPermitted
    return kind


def _refused(kind: ImportKind, error: ShopError) -> str:
    if error.status == TOO_LARGE:  # what came with it was not read, either
        return _form(kind, {"file": f"The file is larger than {FILE_MAX // 1024**2} MB. Split it and try again."})
    errors = field_errors(error)
    if is_htmx():
        return part("office/_import_refused.html", words=" ".join(errors.values()))
    return _form(kind, errors)


def _form(kind: ImportKind, errors: dict[str, str]) -> str:
    columns: list[tuple[str, str, bool]] = [
        (kind.title_of(name), words, name in kind.needed) for name, words in kind.words.items()
    ]
    values: dict[str, Any] = {"kind": kind, "kinds": _mine(), "columns": columns, "errors": errors}
    if "form" in vars(request):
        values["typed"] = {name: request.form[name] for name in ("source", "whole") if name in request.form}
    crumbs = [("Imports", url_for("office.imports")), (kind.title, None)]
    return page("office/import_file.html", crumbs=crumbs, **values)
