"""What set-up makes out of the checkout."""

import pytest
from babel.messages.catalog import Catalog

from followup.running import assets, catalogues, embedded


def test_the_stylesheet_calls_no_other_host_and_finds_its_images():
    css = (assets.ASSETS / "nhsuk" / "nhsuk-frontend.min.css").read_text()
    assert "https://" not in css
    assert "@font-face" not in css
    assert "Frutiger" not in css
    assert "url(/assets" not in css
    for path in assets.re.findall(r"url\(['\"]?(assets/[^)'\"]+)", css):
        assert (assets.ASSETS / "nhsuk" / path).exists()


def test_a_stylesheet_we_do_not_know_fails_the_build():
    with pytest.raises(assets.AssetsChanged):
        assets.our_css("@font-face{src:url(https://elsewhere/f.woff2)} body{color:red}")


def test_servers_of_the_machine_are_used_where_the_packages_are_missing(monkeypatch, tmp_path):
    programs, redis = embedded.postgres_programs(), embedded.redis_program()
    on_path = tmp_path / "bin"
    on_path.mkdir()
    (on_path / "initdb").symlink_to(programs / "initdb")
    (on_path / "redis-server").symlink_to(redis)
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(on_path))
    assert embedded.postgres_programs() == programs.resolve()
    assert embedded.redis_program() == on_path / "redis-server"


def test_data_of_another_version_is_refused_plainly(tmp_path):
    (tmp_path / "pg12").mkdir()
    (tmp_path / "pg12" / "PG_VERSION").write_text("12\n")
    with pytest.raises(embedded.CannotStart, match="written by PostgreSQL 12"):
        embedded.postgres_folder(tmp_path, embedded.postgres_programs())


def test_a_text_without_translation_is_found_and_so_is_a_changed_placeholder():
    texts, translated = Catalog(), Catalog(locale="sv")
    texts.add("Call us on %(phone)s", flags=["python-format"])
    texts.add("Sent")
    translated.add("Call us on %(phone)s", "Ring oss på %(telefon)s", flags=["python-format"])
    complaints = catalogues.gaps(texts, translated)
    assert len(complaints) == 2
    assert "not translated: 'Sent'" in complaints
    translated.get("Call us on %(phone)s").string = "Ring oss på %(phone)s"
    translated.add("Sent", "Skickat")
    assert catalogues.gaps(texts, translated) == []
