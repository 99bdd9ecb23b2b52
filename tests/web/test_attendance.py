"""Hours on screen: clocking for oneself, everybody's for who looks after the staff, corrections and the file."""

from __future__ import annotations

import re

from shopnode.domain.attendance.models import Attendance, AttendanceCorrection
from shopnode.domain.permissions import Role
from tests.hub.world import Node
from tests.shop import Shop
from tests.web.conftest import Browser, Owner, words

HOUR = 3_600_000


def work(shop: Shop, hours: int, role: Role = Role.STAFF) -> None:
    shop.do("attendance.come", role=role)
    shop.clock.advance(hours * HOUR)
    shop.do("attendance.go", role=role)


def test_one_comes_and_goes_with_a_button(aisha: Browser, shop: Shop) -> None:
    assert "You are not clocked in" in words(aisha.get("/attendance"))
    assert aisha.post("/attendance", step="come").status_code == 303
    page = words(aisha.get("/attendance"))
    assert "You have been here since 17:14" in page and "I am going" in page
    twice = aisha.post("/attendance", step="come")
    assert twice.status_code == 409 and "You came at 17:14 and have not gone since." in words(twice)
    assert aisha.post("/attendance", step="go").status_code == 303
    (row,) = shop.rows(Attendance)
    assert row.staff_id == shop.cashier.id and row.went_at is not None
    assert aisha.post("/attendance", step="fly").status_code == 422


def test_everybody_sees_their_own_and_a_supervisor_sees_all(aisha: Browser, brian: Browser, shop: Shop) -> None:
    work(shop, 8)
    work(shop, 3, Role.SUPERVISOR)
    aisha.sign_in("Aisha"), brian.sign_in("Brian")  # the hours went by
    mine, all_of_it = words(aisha.get("/attendance")), words(brian.get("/attendance"))
    assert "You 8 h 00 on 1 day" in mine and "Brian" not in mine and "3 h 00" not in mine
    assert "Aisha 8 h 00 on 1 day" in all_of_it and "Brian 3 h 00 on 1 day" in all_of_it
    assert "3 h 00" not in words(aisha.get(f"/attendance?staff_id={shop.supervisor.id}"))
    one = words(brian.get(f"/attendance?staff_id={shop.cashier.id}", htmx=True))
    assert "8 h 00" in one and "3 h 00" not in one
    assert "No hours here" in words(brian.get("/attendance?period=2025-10"))


def test_who_is_here_now_and_who_forgot_to_go(brian: Browser, shop: Shop) -> None:
    shop.do("attendance.come", role=Role.STAFF)
    assert "Aisha since 17:14" in words(brian.get("/attendance"))
    shop.clock.advance(17 * HOUR)
    brian.sign_in("Brian")
    page = words(brian.get("/attendance"))
    assert "Aisha since" not in page and "Did not say they went" in page and "1 not ended" in page


def test_a_correction_is_asked_for_and_another_person_accepts_it(aisha: Browser, brian: Browser, shop: Shop) -> None:
    work(shop, 2)
    aisha.sign_in("Aisha"), brian.sign_in("Brian")
    (row,) = shop.rows(Attendance)
    form = aisha.get(f"/attendance/correct?attendance_id={row.id}").get_data(as_text=True)
    assert 'value="2026-09-21T17:14"' in form and 'value="2026-09-21T19:14"' in form
    asked = {"attendance_id": row.id, "came_at": "2026-09-21T16:00", "went_at": "2026-09-21T19:14"}
    wrong = aisha.post("/attendance/correct", **asked, reason="")
    assert wrong.status_code == 422 and 'value="2026-09-21T16:00"' in wrong.get_data(as_text=True)
    assert aisha.post("/attendance/correct", **asked, reason="The tablet was off").status_code == 303
    (waits,) = shop.rows(AttendanceCorrection)
    assert "Waits" in words(aisha.get("/attendance/corrections")) and "Accept" not in words(
        aisha.get("/attendance/corrections")
    )
    assert aisha.post(f"/attendance/corrections/{waits.id}", outcome="accepted").status_code == 403
    page = words(brian.get("/attendance/corrections"))
    assert "17:14 – 19:14 16:00 – 19:14 The tablet was off" in page
    assert "Corrections · 1" in words(brian.get("/attendance"))
    assert brian.post(f"/attendance/corrections/{waits.id}", outcome="accepted").status_code == 303
    assert "3 h 14" in words(aisha.get("/attendance")) and "Corrected" in words(aisha.get("/attendance"))
    again = brian.post(f"/attendance/corrections/{waits.id}", outcome="refused")
    assert again.status_code == 409 and "This was decided already." in words(again)
    assert "Accepted Brian" in words(brian.get("/attendance/corrections?state=all"))


def test_rule_89_nobody_decides_their_own_correction_on_screen(brian: Browser, sarah: Browser, shop: Shop) -> None:
    asked = {"came_at": "2026-09-20T08:00", "went_at": "2026-09-20T12:00", "reason": "forgot"}
    assert brian.post("/attendance/correct", **asked).status_code == 303
    (waits,) = shop.rows(AttendanceCorrection)
    assert "Waits" in words(brian.get("/attendance/corrections"))
    own = brian.post(f"/attendance/corrections/{waits.id}", outcome="accepted")
    assert own.status_code == 403 and "Nobody decides their own." in words(own)
    assert sarah.post(f"/attendance/corrections/{waits.id}", outcome="refused").status_code == 303
    assert shop.rows(Attendance) == []


def test_a_correction_says_what_is_wrong_with_its_times(aisha: Browser) -> None:
    nothing = words(aisha.post("/attendance/correct", reason="forgot"))
    assert "Is needed, as a day and a time." in nothing
    odd = aisha.post("/attendance/correct", came_at="yesterday", went_at="2026-09-20T12:00", reason="forgot")
    assert "Must be a day and a time." in words(odd)
    later = aisha.post("/attendance/correct", came_at="2026-09-20T12:00", went_at="2026-09-20T08:00", reason="forgot")
    assert "Must be after coming." in words(later)


def test_somebody_elses_stretch_is_not_opened(aisha: Browser, brian: Browser, shop: Shop) -> None:
    work(shop, 2, Role.SUPERVISOR)
    (row,) = shop.rows(Attendance)
    aisha.sign_in("Aisha")
    assert aisha.get(f"/attendance/correct?attendance_id={row.id}").status_code == 404


def test_rule_92_hours_are_taken_out_as_a_file_by_who_may(aisha: Browser, brian: Browser, shop: Shop) -> None:
    work(shop, 8)
    brian.sign_in("Brian")
    text = brian.get("/attendance?format=csv").get_data(as_text=True)
    assert re.search(r"2026-09-21,Aisha,.*,480,", text)
    assert [entry.action for entry in shop.entries()][-1] == "lists.export"
    aisha.sign_in("Aisha")
    assert aisha.get("/attendance?format=csv").status_code == 403


def test_the_portal_shows_hours_and_clocks_nobody(owner: Owner, joined: Node) -> None:
    joined.do("attendance.come")
    joined.sync()
    page = words(owner.get("/attendance"))
    assert "I am here" not in page and "Here now 1" in page
    assert owner.post("/attendance", step="come").status_code >= 400
    assert "Ask for one" not in words(owner.get("/attendance/corrections"))
