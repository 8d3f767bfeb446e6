"""Programmes in the database: loaded once, never changed, the newest is current."""

from copy import deepcopy
from datetime import UTC, datetime

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction

from followup.core import clock
from followup.core.journal import System
from followup.core.models import Entry
from followup.programmes import checks, queries, services
from followup.programmes.errors import NoSuchProgramme, ProgrammeChanged, ProgrammeInvalid
from followup.programmes.models import Programme, Text

pytestmark = pytest.mark.django_db

CONSOLE = System("console")
IBD = services.SHIPPED / "ibd.yaml"


@pytest.fixture
def data():
    return deepcopy(checks.read(IBD))


def signed(data):
    """The same programme with every clinical entry signed."""

    def sign(value):
        if isinstance(value, dict):
            fresh = {"signed_off_by": "Dr Ek"} if "signed_off_by" in value else {}
            return {name: sign(item) for name, item in value.items()} | fresh
        return [sign(item) for item in value] if isinstance(value, list) else value

    return sign(data)


def file_of(data, folder):
    path = folder / f"{data['programme']['id']}-{data['programme']['version']}.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def test_a_loaded_programme_is_current_and_in_the_journal():
    at = datetime(2026, 11, 22, 19, tzinfo=UTC)
    with clock.turned(at):
        programme = services.load(IBD, by=CONSOLE)
    found = queries.current("ibd")
    assert (found.id, found.version, found.loaded_at) == (programme.id, 1, at)
    assert found.rules.reason("flare").priority == 2
    entry = Entry.objects.get(verb="programme.loaded")
    assert (entry.subject_id, entry.actor_name, entry.detail["sha"]) == (programme.id, "console", programme.text_id)


def test_the_same_content_again_changes_nothing(data, tmp_path):
    programme = services.load(IBD, by=CONSOLE)
    assert services.load(data, by=CONSOLE).id == programme.id
    assert services.load(file_of(data, tmp_path), by=CONSOLE).id == programme.id
    assert Programme.objects.count() == 1
    assert Entry.objects.filter(verb="programme.loaded").count() == 1


def test_a_loaded_version_takes_no_other_content(data):
    programme = services.load(data, by=CONSOLE)
    data["queue"]["see_within_days"] = 5
    with pytest.raises(ProgrammeChanged):
        services.load(data, by=CONSOLE)
    assert queries.current("ibd").text_id == programme.text_id


def test_a_new_version_is_current_and_the_old_one_stays(data):
    services.load(data, by=CONSOLE)
    data["programme"]["version"] = 2
    data["queue"]["see_within_days"] = 5
    services.load(data, by=CONSOLE)
    assert queries.current("ibd").rules.queue.see_within_days == 5
    assert queries.version("ibd", 1).rules.queue.see_within_days == 3


def test_the_database_refuses_to_change_a_loaded_programme():
    programme = services.load(IBD, by=CONSOLE)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Programme.objects.update(signed=True)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Text.objects.update(data={})
    with pytest.raises(IntegrityError), transaction.atomic():
        programme.save()
    assert not queries.current("ibd").signed


def test_a_wrong_programme_is_refused_and_leaves_nothing(data):
    del data["reasons"][0]["label"]
    with pytest.raises(ProgrammeInvalid) as caught:
        services.load(data, by=CONSOLE)
    assert [finding.path for finding in caught.value.findings] == ["reasons[flare].label"]
    assert not Programme.objects.exists()
    assert not Entry.objects.exists()


def test_a_programme_is_signed_when_each_clinical_entry_is(data):
    assert not services.load(data, by=CONSOLE).signed
    data = signed(data)
    data["programme"]["version"] = 2
    assert services.load(data, by=CONSOLE).signed
    data["programme"]["version"] = 3
    data["advice"][0]["signed_off_by"] = None
    assert not services.load(data, by=CONSOLE).signed


def test_a_second_programme_stands_beside_the_first(data):
    services.load(data, by=CONSOLE)
    data["programme"]["id"] = "asthma"
    services.load(data, by=CONSOLE)
    assert queries.current("asthma").id != queries.current("ibd").id


def test_a_programme_that_is_not_there_is_said_so():
    services.load(IBD, by=CONSOLE)
    for ask in (lambda: queries.current("asthma"), lambda: queries.version("ibd", 2)):
        with pytest.raises(NoSuchProgramme):
            ask()


# The console


def test_check_says_what_is_unsigned_and_ends_well(capsys):
    call_command("programme", "check", str(IBD))
    said = capsys.readouterr().out
    assert "warning: red_flags[rf_bleed]: not signed off by a clinician" in said
    assert not Programme.objects.exists()


def test_check_of_a_signed_programme_has_nothing_to_say(data, tmp_path, capsys):
    with clock.turned(datetime(2026, 11, 22, 19, tzinfo=UTC)):
        call_command("programme", "check", str(file_of(signed(data), tmp_path)))
    assert capsys.readouterr().out.endswith("fine.\n")


def test_check_of_a_wrong_file_names_the_place_and_ends_with_1(data, tmp_path, capsys):
    data["red_flags"][0]["level"] = "R9"
    with pytest.raises(CommandError) as caught:
        call_command("programme", "check", str(file_of(data, tmp_path)))
    assert caught.value.returncode == 1
    assert "error: red_flags[rf_asc_home].level" in capsys.readouterr().out


def test_load_says_what_was_loaded_and_refuses_a_changed_version(data, tmp_path, capsys):
    call_command("programme", "load", str(IBD))
    assert "ibd@1 is loaded." in capsys.readouterr().out
    data["queue"]["see_within_days"] = 5
    with pytest.raises(CommandError) as caught:
        call_command("programme", "load", str(file_of(data, tmp_path)))
    assert caught.value.returncode == 1


def test_diff_ends_with_1_only_where_something_changed(data, tmp_path, capsys):
    services.load(IBD, by=CONSOLE)
    call_command("programme", "diff", "ibd@1", str(IBD))
    assert capsys.readouterr().out == ""
    data["queue"]["see_within_days"] = 5
    with pytest.raises(SystemExit) as caught:
        call_command("programme", "diff", "ibd@1", str(file_of(data, tmp_path)))
    assert caught.value.code == 1
    assert capsys.readouterr().out == "- queue.see_within_days: 3\n+ queue.see_within_days: 5\n"
    for missing in ("ibd@7", str(tmp_path / "none.yaml")):
        with pytest.raises(CommandError) as refused:
            call_command("programme", "diff", missing, str(IBD))
        assert refused.value.returncode == 2


def test_the_shipped_programmes_are_loaded_once(capsys):
    call_command("load_programmes")
    call_command("load_programmes")
    assert {programme.key for programme in Programme.objects.all()} == {"ibd"}
    assert "ibd@1" in capsys.readouterr().out
