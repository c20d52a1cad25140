"""Who may see the page and who may act, without a network."""

from __future__ import annotations

import pytest

from barocast.plugin.web.access import SESSION_S, Access, Address, read_token
from barocast.runtime.errors import SettingsError

TOKEN = "abcdefghij0123456789"  # noqa: S105 - of no box
NOW_S = 1_000_000.0


def with_cookie(access: Access, given_s: float = NOW_S) -> dict[str, str]:
    return {"cookie": "theme=dark; " + access.cookie(given_s, secure=True).partition(";")[0]}


def test_a_login_lasts_for_its_time_and_no_longer():
    access = Access(local=False, token=TOKEN)
    headers = with_cookie(access)

    assert access.may_see(headers, NOW_S + SESSION_S - 1)
    assert not access.may_see(headers, NOW_S + SESSION_S)


def test_a_login_dies_with_the_token_and_not_with_the_process():
    headers = with_cookie(Access(local=True, token=TOKEN))

    assert Access(local=True, token=TOKEN).may_act(headers, NOW_S)
    assert not Access(local=True, token=TOKEN + "1").may_act(headers, NOW_S)


@pytest.mark.req("SEC-10")
@pytest.mark.parametrize("value", ["", ".", "99999999999.", "99999999999.00", "x", "x" * 5000, "\x7f;é"])
def test_a_cookie_that_was_made_up_is_none(value):
    access = Access(local=True, token=TOKEN)

    assert not access.may_act({"cookie": f"barocast={value}"}, NOW_S)


def test_a_later_expiry_under_the_same_seal_is_none():
    access = Access(local=True, token=TOKEN)
    expiry, _, seal = with_cookie(access)["cookie"].rpartition("=")[2].partition(".")

    assert not access.may_act({"cookie": f"barocast={int(expiry) + 1}.{seal}"}, NOW_S)


def test_a_token_does_not_print_itself():
    assert TOKEN not in repr(Access(local=True, token=TOKEN))


@pytest.mark.parametrize(
    ("text", "host", "port", "local"),
    [
        ("127.0.0.1:8520", "127.0.0.1", 8520, True),
        ("[::1]:8520", "::1", 8520, True),
        ("localhost:1", "localhost", 1, True),
        ("10.0.0.7:8520", "10.0.0.7", 8520, False),
        ("or3.example:443", "or3.example", 443, False),
        ("localhost.example:443", "localhost.example", 443, False),
    ],
)
def test_an_address_is_read_and_known_as_this_box_or_not(text, host, port, local):
    address = Address.parse(text)

    assert (address, address.local, str(address)) == (Address(host, port), local, text)


def test_a_token_is_read_without_its_line_end(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o640)

    assert read_token(str(file)) == TOKEN
    assert read_token("") == ""


@pytest.mark.req("SEC-10")
@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("short", 0o600, "16 or more"),
        ("two words of a token", 0o600, "16 or more"),
        ("é" * 20, 0o600, "not plain ASCII"),
        (TOKEN, 0o644, "chmod 640"),
    ],
)
def test_a_token_that_protects_nothing_is_refused(tmp_path, text, mode, said):
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(mode)

    with pytest.raises(SettingsError, match=said):
        read_token(str(file))


def test_a_token_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match="none: cannot be read"):
        read_token(str(tmp_path / "none"))
