"""A clinic's own list of patients comes in: the shared sample to the letter, and what other lists may hold.

`clinic-list.csv` is an export of invented people with faults on purpose; what each line is to give stands in the table below.
"""

import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from followup.core import clock
from followup.core.errors import NotAllowed
from followup.core.models import Entry
from followup.people import imports
from followup.people.imports import CHANGED, CLOSE, NEW, REFUSED, SAME, headings, personal_number, reading
from followup.people.models import Patient
from tests import factories as make

pytestmark = pytest.mark.django_db

SAMPLE = Path(__file__).parent / "clinic-list.csv"
REFUSED_LINES = {
    43: "check_digit",
    66: "no_date",
    90: "birth_dates",
    103: "missing",
    152: "child",
    179: "other_diagnosis",
    262: "future",
    302: "cut_short",
}
NO_CHANNEL = [58, 70, 93, 122, 228, 239, 342, 356, 378, 393, 452, 465]

HEADINGS = "patientnr;personnummer;fornamn;efternamn;fodelsedatum;kon;mobil;epost;sprak;diagnos;diagnosdatum"
HEADINGS += ";lakemedel;senaste_kontakt;onskar_lakarbesok;stod"
ASA = "A1;19710503-9809;Åsa;Öberg;1971-05-03;K;070-174 06 05;asa@example.org;sv;K51.0;2001-08-15;mesalazin 2400 mg/d"
ASA += ";2025-11-30;nej;"

WRITTEN = st.characters(codec="utf-8", exclude_characters="\0")


@dataclass(frozen=True)
class Clinic:
    unit: object
    programme: object

    def plan(self, data: bytes | str):
        return imports.plan(data.encode() if isinstance(data, str) else data, unit=self.unit, programme=self.programme)

    def brings_in(self, data: bytes | str, by=make.TESTS):
        return imports.carry_out(self.plan(data), by=by)


@pytest.fixture(autouse=True)
def today():
    with clock.turned(make.SUNDAY_EVENING):
        yield


@pytest.fixture
def clinic():
    return Clinic(make.a_unit(), make.a_programme())


def a_list(*rows: str, heading: str = HEADINGS) -> str:
    return "\r\n".join([heading, *rows]) + "\r\n"


def verdicts(plan) -> list[str]:
    return [row.verdict for row in plan.rows]


def codes(row) -> list[str]:
    return [each.code for each in row.remarks]


def with_cell(row: str, **cells: str) -> str:
    """The row with other cells, by heading."""
    names, values = HEADINGS.split(";"), row.split(";")
    return ";".join(cells.get(name, value) for name, value in zip(names, values, strict=True))


# The shared sample


def test_the_sample_comes_in_exactly_as_its_table_says(clinic):
    done = clinic.brings_in(SAMPLE.read_bytes())
    assert {row.line: codes(row) for row in done.of(REFUSED)} == {line: [code] for line, code in REFUSED_LINES.items()}
    assert [row.line for row in done.of(SAME)] == [468]
    assert [(row.line, codes(row)) for row in done.of(CLOSE)] == [(469, ["other_name_and_phone"])]
    assert (done.count(NEW), done.count(CHANGED)) == (458, 0)
    assert done.encoding == "cp1252"
    warned = {code: [line for line, each in done.warnings if each.code == code] for _, code in _warned(done)}
    assert warned.pop("no_channel") == NO_CHANNEL
    assert len(warned.pop("contact_before_diagnosis")) == 22
    assert warned == {"no_phone": [122], "no_email": [203]}
    assert Patient.objects.filter(unit=clinic.unit).count() == 458


def _warned(plan):
    return {(line, each.code) for line, each in plan.warnings}


def test_the_same_file_again_changes_nothing(clinic):
    clinic.brings_in(SAMPLE.read_bytes())
    before = list(Patient.objects.order_by("id").values())
    entries = Entry.objects.filter(unit_id=clinic.unit.id, patient_id__isnull=False).count()
    again = clinic.brings_in(SAMPLE.read_bytes())
    assert [again.count(verdict) for verdict in (NEW, SAME, CHANGED, CLOSE, REFUSED)] == [0, 459, 0, 1, 8]
    assert list(Patient.objects.order_by("id").values()) == before
    assert Entry.objects.filter(unit_id=clinic.unit.id, patient_id__isnull=False).count() == entries


def test_people_come_in_with_what_the_list_says_of_them(clinic):
    clinic.brings_in(SAMPLE.read_bytes())
    by_number = Patient.objects.filter(unit=clinic.unit).in_bulk(field_name="id")
    people = {patient.number: patient for patient in by_number.values()}
    sofi, gosta, ek = people["E1000"], people["E1120"], people["E1222"]
    assert (sofi.name, sofi.born_on, sofi.sex, sofi.phone) == (
        "Sofi Bergström",
        date(1949, 9, 29),
        "female",
        "+447700900627",
    )
    assert sofi.personal_number == "19490929-9929"
    enrolment = sofi.enrolments.get()
    assert (enrolment.diagnosis, enrolment.diagnosis_code) == ("cd", "K50.1")
    assert enrolment.medicines == ["vedolizumab 300 mg v.8"]
    assert (enrolment.diagnosed_on, enrolment.last_contact_on) == (date(2012, 6, 19), date(2026, 10, 28))
    assert gosta.reach == "no_channel"
    assert ek.family_name == 'Ek; af "Berg"'
    assert people["E1201"].email == ""
    somali = people["E1023"]
    assert (somali.spoken_language, somali.interpreter, somali.language) == ("so", True, "sv")
    assert Entry.objects.filter(patient_id=sofi.id, verb="patient.added").count() == 1
    with_two = [p for p in people.values() if len(p.enrolments.get().medicines) == 2]
    assert len(with_two) > 50


def test_their_group_is_their_wish_or_need_and_otherwise_waits_for_a_decision(clinic):
    clinic.brings_in(
        a_list(
            with_cell(ASA, onskar_lakarbesok="ja"),
            with_cell(ASA, patientnr="A2", personnummer="", fornamn="Bo", stod="hörselnedsättning"),
            with_cell(ASA, patientnr="A3", personnummer="", fornamn="Cia"),
        )
    )
    wish, support, neither = (p.enrolments.get() for p in Patient.objects.filter(unit=clinic.unit).order_by("number"))
    assert (wish.group, wish.wishes_visits, bool(wish.group_why)) == ("traditional", True, True)
    assert (support.group, support.needs_support) == ("traditional", True)
    assert support.patient.good_to_know == "hörselnedsättning"
    assert (neither.group, neither.group_since_on) == ("", None)


# Files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_encodings_and_separators_are_recognised(clinic, encoding, separator):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerows(row.split(";") for row in (HEADINGS, with_cell(ASA, lakemedel="mesalazin, 2400 mg")))
    (row,) = clinic.plan(text.getvalue().encode(encoding)).rows
    assert (row.candidate.given_name, row.candidate.family_name) == ("Åsa", "Öberg")
    assert row.candidate.medicines == ("mesalazin, 2400 mg",)


@pytest.mark.parametrize("encoding", ["cp850", "mac_roman"])
def test_an_older_encoding_is_told_from_windows_1252(clinic, encoding):
    text = SAMPLE.read_bytes().decode("cp1252")
    assert clinic.plan(text.encode(encoding)).rows[0].candidate.family_name == "Bergström"


def test_headings_in_english_and_in_any_spelling(clinic):
    heading = "Patient number,First name,Last name,Date of birth,ICD-10,E-mail"
    (row,) = clinic.plan(a_list("7,Anna,Berg,1971-05-03,k51,anna@example.org", heading=heading)).rows
    assert (row.verdict, row.candidate.diagnosis, row.candidate.email) == (NEW, "uc", "anna@example.org")
    assert headings.field_of("Önskar läkarbesök") == "wishes_visits"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"namn;adress\r\nAnna;Eksjo\r\n", "Expected at least: patientnr.*Found: namn, adress"),
        (a_list(ASA, heading=HEADINGS.replace("stod", "mobilnr")).encode(), "Two columns say the same: mobil, mobilnr"),
        (a_list(*[ASA] * 10_001).encode(), "more than 10000 rows. Split it"),
        (b"PK\x03\x04\x00\x00\x00\x08", "not a text file"),
        (a_list(ASA).encode() + a_list(ASA).encode("cp1252"), "mixes two encodings"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_changes_nothing(clinic, data, words):
    with pytest.raises(imports.Unreadable, match=words):
        clinic.plan(data)


def test_a_quote_that_is_left_open_names_the_lines_it_swallows(clinic):
    done = clinic.plan(a_list(with_cell(ASA, fornamn='"Åsa'), *[ASA] * 30))
    assert [(row.line, codes(row), str(row.remarks[0])) for row in done.rows] == [
        (2, ["runs_on"], "a quote runs on to line 32")
    ]


def test_blank_rows_are_no_rows_and_lines_are_those_of_the_file(clinic):
    done = clinic.plan(a_list("", ASA, ";;;;;;;;;;;;;;", with_cell(ASA, diagnos="I10")))
    assert [(row.line, row.verdict) for row in done.rows] == [(3, NEW), (5, REFUSED)]


@given(st.binary(max_size=600))
@settings(max_examples=150, deadline=None)
def test_no_bytes_bring_the_reader_down(data):
    for bytes_ in (data, HEADINGS.encode() + b"\r\n" + data):
        try:
            sheet = reading.read(bytes_)
        except imports.Unreadable as refusal:
            assert str(refusal)
        else:
            assert all(row.cells for row in sheet.rows)


@given(st.dictionaries(st.sampled_from(HEADINGS.split(";")), st.text(WRITTEN, max_size=200), max_size=6))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_row_it_is_judged_and_what_is_not_refused_can_be_written(clinic, cells):
    text = io.StringIO()
    row = dict(zip(HEADINGS.split(";"), ASA.split(";"), strict=True)) | cells
    csv.writer(text, delimiter=";").writerows([row.keys(), row.values()])
    done = clinic.brings_in(text.getvalue())
    assert set(verdicts(done)) <= {NEW, SAME, CHANGED, CLOSE, REFUSED}


@given(st.permutations(range(15)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_the_columns_is_of_no_weight(clinic, order):
    rows = list(csv.reader(io.StringIO(SAMPLE.read_bytes().decode("cp1252"), newline=""), delimiter=";"))[:120]
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([row[place] for place in order] for row in rows)
    straight = io.StringIO()
    csv.writer(straight, delimiter=";").writerows(rows)
    moved = clinic.plan(text.getvalue().encode("cp1252"))
    assert moved.rows == clinic.plan(straight.getvalue().encode("cp1252")).rows


# Rows


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"patientnr": ""}, "missing"),
        ({"patientnr": "=1+1"}, "not_text"),
        ({"patientnr": "A1;B"}, "too_many_cells"),
        ({"efternamn": "@SUM(A1)"}, "not_text"),
        ({"efternamn": "x" * 81}, "too_long"),
        ({"fornamn": "ﬃ" * 61}, "too_long"),
        ({"fornamn": "Å\x07sa"}, "not_text"),
        ({"fodelsedatum": "05/03/1971"}, "no_date"),
        ({"fodelsedatum": "2027-01-01", "personnummer": ""}, "future"),
        ({"fodelsedatum": "1871-05-03", "personnummer": ""}, "too_old"),
        ({"personnummer": "19710503-98"}, "personal_number"),
        ({"diagnos": ""}, "missing"),
        ({"diagnos": "Crohn"}, "no_diagnosis_code"),
        ({"diagnosdatum": "1970-01-01"}, "before_birth"),
        ({"senaste_kontakt": "2026-11-23"}, "future"),
    ],
)
def test_a_row_is_refused_with_its_reason(clinic, cells, code):
    (row,) = clinic.plan(a_list(with_cell(ASA, **cells))).rows
    assert (row.verdict, codes(row)[0]) == (REFUSED, code)
    assert row.reason


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"mobil": "08-465 004 00"}, "no_texts"),
        ({"mobil": "+1 212 555 0100"}, "no_phone"),
        ({"epost": "+cmd|'/c calc'!A0"}, "no_email"),
        ({"epost": "asa at example"}, "no_email"),
        ({"epost": "=asa@example.org"}, "no_email"),
        ({"sprak": "klingon?"}, "language"),
        ({"kon": "?"}, "sex"),
        ({"onskar_lakarbesok": "kanske"}, "yes_no"),
    ],
)
def test_a_row_comes_in_without_what_cannot_be_used(clinic, cells, code):
    (row,) = clinic.plan(a_list(with_cell(ASA, **cells))).rows
    assert (row.verdict, [each.code for each in row.warnings]) == (NEW, [code])


def test_somebody_is_an_adult_on_the_day_they_turn_eighteen(clinic):
    rows = [
        with_cell(ASA, patientnr=day[-2:], personnummer="", fodelsedatum=day) for day in ("2008-11-22", "2008-11-23")
    ]
    days = {"diagnosdatum": "2020-01-01"}
    assert verdicts(clinic.plan(a_list(*(with_cell(row, **days) for row in rows)))) == [NEW, REFUSED]


@pytest.mark.parametrize("typed", ["19710503-9809", "197105039809", "710503-9809", "7105039809"])
def test_a_personal_number_in_any_spelling_is_kept_in_one(typed):
    assert personal_number.read(typed, date(1971, 5, 3)) == "19710503-9809"


def test_a_coordination_number_has_sixty_added_to_the_day():
    assert personal_number.read("19701063-2391", date(1970, 10, 3)) == "19701063-2391"


def test_somebody_of_a_hundred_may_have_a_plus():
    assert personal_number.read("121212+1212", date(1912, 12, 12)) == "19121212-1212"


# Beside whom the unit knows


def test_what_changed_is_put_right_and_what_is_not_said_stays(clinic):
    clinic.brings_in(a_list(ASA))
    asa = Patient.objects.get(unit=clinic.unit)
    done = clinic.brings_in(
        a_list(with_cell(ASA, efternamn="Öberg-Ek", epost="", diagnos="K51.3", onskar_lakarbesok="ja"))
    )
    assert (verdicts(done), set(done.rows[0].changes)) == (
        [CHANGED],
        {"family_name", "diagnosis_code", "wishes_visits"},
    )
    asa.refresh_from_db()
    enrolment = asa.enrolments.get()
    assert (asa.name, asa.user.name, asa.email) == ("Åsa Öberg-Ek", "Åsa Öberg-Ek", "asa@example.org")
    assert asa.sort_key == "}berg-ek {sa"
    assert (enrolment.diagnosis_code, enrolment.wishes_visits, enrolment.group) == ("K51.3", True, "")
    entry = Entry.objects.get(patient_id=asa.id, verb="patient.changed")
    assert entry.detail == {"columns": ["diagnosis_code", "family_name", "wishes_visits"]}


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"efternamn": "Ek", "mobil": "070-174 06 06"}, "other_name_and_phone"),
        ({"efternamn": "Ek", "fornamn": "Ida"}, "other_names"),
        ({"personnummer": "19710503-9981"}, "other_person"),
        ({"personnummer": "", "fodelsedatum": "1971-05-04"}, "other_person"),
        ({"patientnr": "A2"}, "other_number"),
        ({"patientnr": "A2", "personnummer": ""}, "same_name_and_birth"),
    ],
)
def test_a_close_match_is_left_for_a_person_and_not_written(clinic, cells, code):
    clinic.brings_in(a_list(ASA))
    before = list(Patient.objects.values())
    done = clinic.brings_in(a_list(with_cell(ASA, **cells)))
    assert [(row.verdict, codes(row)) for row in done.rows] == [(CLOSE, [code])]
    assert list(Patient.objects.values()) == before


def test_two_lines_that_contradict_each_other_leave_the_second_to_a_person_every_time(clinic):
    both = a_list(ASA, with_cell(ASA, epost="other@example.org"))
    assert verdicts(clinic.brings_in(both)) == [NEW, CLOSE]
    assert verdicts(clinic.brings_in(both)) == [SAME, CLOSE]


def test_namesakes_with_personal_numbers_of_their_own_are_two_people(clinic):
    twin = with_cell(ASA, patientnr="A2", personnummer="19710503-9981")
    assert verdicts(clinic.brings_in(a_list(ASA, twin))) == [NEW, NEW]


def test_another_unit_knows_nothing_of_them(clinic):
    clinic.brings_in(a_list(ASA))
    assert verdicts(replace(clinic, unit=make.a_unit()).brings_in(a_list(ASA))) == [NEW]


def test_nobody_is_removed_for_not_being_in_a_list(clinic):
    clinic.brings_in(SAMPLE.read_bytes())
    clinic.brings_in(a_list(ASA))
    assert Patient.objects.filter(unit=clinic.unit).count() == 459


def test_nothing_is_written_before_it_is_carried_out_and_twice_is_once(clinic):
    plan = clinic.plan(a_list(ASA))
    assert not Patient.objects.filter(unit=clinic.unit).exists()
    assert verdicts(imports.carry_out(plan, by=make.TESTS)) == [NEW]
    assert verdicts(imports.carry_out(plan, by=make.TESTS)) == [SAME]


def test_what_was_changed_while_somebody_looked_at_the_plan_is_not_written_over(clinic):
    clinic.brings_in(a_list(ASA))
    plan = clinic.plan(a_list(with_cell(ASA, epost="new@example.org")))
    Patient.objects.filter(unit=clinic.unit).update(family_name="Ek", phone="+46701740699")
    (row,) = imports.carry_out(plan, by=make.TESTS).rows
    assert (row.verdict, codes(row)) == (CLOSE, ["meanwhile"])
    assert Patient.objects.get(unit=clinic.unit).email == "asa@example.org"


def test_only_a_coordinator_of_the_unit_may(clinic):
    plan = clinic.plan(a_list(ASA))
    for user in (make.a_nurse(clinic.unit), make.a_clinician(clinic.unit), make.a_coordinator(make.a_unit())):
        with pytest.raises(NotAllowed):
            imports.carry_out(plan, by=user)
    assert imports.carry_out(plan, by=make.a_coordinator(clinic.unit)).count(NEW) == 1


def test_a_list_of_hundreds_takes_few_statements(clinic, django_assert_max_num_queries):
    plan = clinic.plan(SAMPLE.read_bytes())
    with django_assert_max_num_queries(20):
        imports.carry_out(plan, by=make.TESTS)


# The console


def console(*words: str) -> str:
    said = io.StringIO()
    call_command("import_patients", *map(str, words), stdout=said)
    return said.getvalue()


def test_the_console_says_it_as_json(clinic):
    where = ("--unit", clinic.unit.name.upper(), "--programme", "ibd")
    said = json.loads(console(SAMPLE, *where, "--json"))
    assert {key: said[key] for key in ("new", "same", "changed", "close")} == {
        "new": 458,
        "same": 1,
        "changed": 0,
        "close": 1,
    }
    assert [each["line"] for each in said["refused"]] == list(REFUSED_LINES)
    assert len(said["warnings"]) == 1 + 1 + 12 + 22
    assert all(each["reason"] for each in said["refused"] + said["warnings"])
    assert [each["line"] for each in said["close_matches"]] == [469]


def test_the_console_says_it_in_words_and_a_check_writes_nothing(clinic):
    where = ("--unit", clinic.unit.name, "--programme", "ibd")
    said = console(SAMPLE, *where, "--check")
    assert "458 new: would be added" in said
    assert "Nothing was written" in said
    assert not Patient.objects.filter(unit=clinic.unit).exists()
    said = console(SAMPLE, *where)
    assert "line 103: the family name is missing" in said
    assert "lines 58, 70, 93," in said


@pytest.mark.parametrize(
    ("file", "unit", "words"),
    [
        ("nowhere.csv", None, "No such file"),
        (str(Path(__file__)), None, "The first line must name the columns"),
        (str(SAMPLE), "Nowhere", "There is no unit Nowhere"),
    ],
)
def test_the_console_ends_with_2_when_it_cannot_begin(clinic, file, unit, words):
    with pytest.raises(CommandError, match=words) as caught:
        console(file, "--unit", unit or clinic.unit.name, "--programme", "ibd")
    assert caught.value.returncode == 2
