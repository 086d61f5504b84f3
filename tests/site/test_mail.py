from __future__ import annotations

import pytest

from matricula.kernel.errors import SettingMissing
from matricula.site.mail import daily_at, sender, server


def test_without_a_url_there_is_no_mail_server():
    assert server("") is None


@pytest.mark.parametrize(
    ("url", "port", "starttls", "encrypted"),
    [
        ("smtp://mail.example.org", 587, True, False),
        ("smtp://mail.example.org:25?starttls=no", 25, False, False),
        ("smtps://mail.example.org", 465, False, True),
        ("smtp://127.0.0.1:2525", 2525, False, False),
        ("smtp://localhost?starttls=yes", 587, True, False),
    ],
)
def test_a_connection_to_another_machine_is_encrypted_unless_the_url_says_no(
    url, port, starttls, encrypted
):
    found = server(url)

    assert (found["port"], found["use_tls"], found["use_ssl"]) == (port, starttls, encrypted)


def test_the_password_beside_the_url_wins():
    found = server("smtp://user%40home:one@mail.example.org", password="two")

    assert (found["username"], found["password"]) == ("user@home", "two")


@pytest.mark.parametrize(
    "url", ["mail.example.org", "smtp://", "smtp://host:99999", "smtp://host?starttls=maybe"]
)
def test_a_url_that_names_no_mail_server_is_refused_without_repeating_it(url):
    with pytest.raises(SettingMissing) as refused:
        server(url)

    assert refused.value.code == "M820"


def test_letters_come_from_somebody():
    with pytest.raises(SettingMissing, match="M821"):
        sender("", is_needed=True)

    assert sender("", is_needed=False) == ""


def test_the_daily_letter_has_a_time_of_day():
    with pytest.raises(SettingMissing, match="M821"):
        daily_at("24:00")

    assert daily_at("07:00") == "07:00"
