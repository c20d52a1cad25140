"""A stranger's plugin is not even loaded before the site has named it, as it lies there."""

from __future__ import annotations

import importlib
import py_compile
import subprocess
import sys

import pytest
from strangers import installed
from toy_bundle import toy_bundle

from barocast.plugin.allowed import check_allowed, check_lines, installed_plugins
from barocast.plugin.cli import main
from barocast.plugin.feeds import find_feed
from barocast.plugin.monitors import HL7
from barocast.plugin.settings import parse_settings
from barocast.runtime.engines import choose_engine
from barocast.runtime.errors import SettingsError

SINK = """
print("LOADED")
class Sink:
    guarantee = "best_effort"
make = Sink
"""
FEED = "from barocast.plugin.monitors import HL7 as FEED\n"
LOUD_FEED = "print('LOADED')\n" + FEED
BED = '[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:0"\n[sinks]\nothers = ["siren"]\n'


@pytest.fixture
def siren(tmp_path, monkeypatch):
    """A package `acme-siren` on the path, as pip would have installed it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "pycache_prefix", None)
    offers = "[barocast.sinks]\nsiren = acme_siren:make\n"
    return installed(tmp_path, "Acme-Siren", offers, {"acme_siren.py": SINK}, "1.2.0")


@pytest.mark.req("SEC-07")
def test_a_stranger_is_refused_with_the_line_that_would_allow_it_and_never_loaded(siren, capsys):
    with pytest.raises(
        SettingsError, match=r"or3\.toml: 'siren' is offered by acme-siren 1\.2\.0"
    ) as refused:
        parse_settings(BED, "or3.toml")

    (line,) = installed_plugins()
    assert line.startswith("acme-siren==1.2.0 sha256:")
    assert line in str(refused.value)
    assert "LOADED" not in capsys.readouterr().out


def test_one_that_the_site_names_is_let_in(siren):
    (line,) = installed_plugins()

    assert parse_settings(f'{BED}[plugins]\nallow = ["{line}"]\n', "x").sinks.others == ("siren",)


ENGINE = """
print("LOADED")
from barocast.runtime.engines import OrtEngine

def start(bundle, threads, cache):
    engine = OrtEngine(bundle, threads)
    engine.name = "acme NPU"
    return engine
"""


@pytest.mark.req("SEC-07")
def test_a_strangers_engine_is_not_loaded_before_the_site_has_named_it(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "pycache_prefix", None)
    installed(
        tmp_path, "Acme-Npu", "[barocast.engines]\nacme = acme_npu:start\n", {"acme_npu.py": ENGINE}, "1.0"
    )
    bed = BED.replace('[sinks]\nothers = ["siren"]\n', '[engine]\nkind = "acme"\n')
    with pytest.raises(SettingsError, match=r"or3\.toml: 'acme' is offered by acme-npu 1\.0"):
        parse_settings(bed, "or3.toml")
    (line,) = installed_plugins()
    allowed = parse_settings(f'{bed}[plugins]\nallow = ["{line}"]\n', "or3.toml")
    assert "LOADED" not in capsys.readouterr().out

    chosen = choose_engine(toy_bundle(tmp_path / "toy").read(), allowed.engine.kind, 1, tmp_path)
    assert chosen.name == "acme NPU"


@pytest.mark.req("SEC-07")
@pytest.mark.parametrize("name", ["acme_siren.py", "acme_siren-1.2.0.dist-info/METADATA"])
def test_a_changed_or_missing_file_is_no_longer_what_was_allowed(siren, name):
    (line,) = installed_plugins()
    file = siren / name
    file.write_text(file.read_text() + "\n")
    with pytest.raises(SettingsError, match="as it lies here"):
        check_allowed("barocast.sinks", "siren", [line])

    (siren / "acme_siren.py").unlink()
    with pytest.raises(SettingsError, match="as it lies here"):
        check_allowed("barocast.sinks", "siren", [line])


def test_a_package_that_does_not_say_what_it_brought_is_refused(siren):
    (siren / "acme_siren-1.2.0.dist-info" / "RECORD").unlink()

    with pytest.raises(SettingsError, match="acme-siren: does not say which files it brought"):
        check_allowed("barocast.sinks", "siren", [])


def test_our_own_need_no_permission_and_an_unknown_name_is_not_our_error():
    check_allowed("barocast.monitors", "hl7", [])
    check_allowed("barocast.monitors", "nobody", [])

    assert installed_plugins() == ()


@pytest.mark.parametrize("line", ["acme", "acme==1", "acme==1 sha256:12", "==1 sha256:" + "0" * 64])
def test_a_line_of_another_form_is_refused(line):
    with pytest.raises(SettingsError, match="doctor --plugins"):
        check_lines([line])


@pytest.mark.req("SEC-07")
def test_a_configuration_loads_no_strangers_feed_just_to_list_it(siren):
    (siren / "acme_siren-1.2.0.dist-info" / "entry_points.txt").write_text(
        "[barocast.monitors]\nwire = acme_siren:make\n"
    )
    code = "from barocast.plugin.settings import parse_settings; parse_settings('''{}''', 'x'); print('read')"
    bed = BED.partition("[sinks]")[0]
    done = subprocess.run(
        [sys.executable, "-c", code.format(bed)],
        env={"PYTHONPATH": str(siren)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "read\n"


@pytest.mark.req("SEC-07")
def test_what_runs_is_the_source_that_was_hashed(siren, capsys):
    """Compiled code beside it, of the same size and time, would else be taken for it."""
    source = siren / "acme_siren.py"
    source.write_text(SINK.replace("LOADED", "HIDDEN"))
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    source.write_text(SINK)
    check_allowed("barocast.sinks", "siren", installed_plugins())
    importlib.import_module("acme_siren")

    assert capsys.readouterr().out == "LOADED\n"


@pytest.mark.req("SEC-07")
@pytest.mark.parametrize("module", ["RECORDER.py", "direct_url.json/x.py", "no__pycache__/x.py"])
def test_a_file_is_hashed_whatever_it_is_called(tmp_path, monkeypatch, module):
    offers = "[barocast.monitors]\nacme = acme:FEED\n"
    installed(tmp_path, "acme", offers, {"acme/__init__.py": FEED, f"acme/{module}": ""})
    monkeypatch.syspath_prepend(str(tmp_path))
    before = installed_plugins()
    (tmp_path / "acme" / module).write_text("# changed\n")

    assert installed_plugins() != before


@pytest.mark.req("SEC-07")
def test_a_stranger_that_calls_itself_barocast_is_a_stranger(tmp_path, monkeypatch):
    installed(tmp_path, "barocast", "[barocast.monitors]\nevil = evil:FEED\n", {"evil.py": FEED})
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(SettingsError, match="'evil' is offered by barocast 1"):
        check_allowed("barocast.monitors", "evil", ())


@pytest.mark.req("SEC-07")
@pytest.mark.parametrize("asked", [["doctor"], ["run", "--check", "--config", "or.toml"]])
def test_no_command_loads_a_feed_that_nobody_named(tmp_path, asked):
    installed(tmp_path, "acme", "[barocast.monitors]\nacme = acme:FEED\n", {"acme.py": LOUD_FEED})
    (tmp_path / "or.toml").write_text('[feed]\nkind = "nonsense"\naddress = "tcp-listen://127.0.0.1:1"\n')
    code = (
        f"import sys; sys.path.append({str(tmp_path)!r}); from barocast.plugin.cli import main; main({asked})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.stdout + done.stderr != ""
    assert "LOADED" not in done.stdout


@pytest.mark.req("SEC-07")
def test_no_stranger_takes_the_place_of_a_feed_or_a_command_of_ours(tmp_path, monkeypatch, capsys):
    offers = "[barocast.monitors]\nhl7 = zz:FEED\n[barocast.commands]\naudit = zz\n"
    installed(tmp_path, "zz", offers, {"zz.py": LOUD_FEED})
    for path in (str(tmp_path), ""):
        monkeypatch.setattr(sys, "path", [path, *sys.path, str(tmp_path)])

        assert find_feed("hl7") is HL7
        main(["audit"])
        assert "LOADED" not in capsys.readouterr().out
