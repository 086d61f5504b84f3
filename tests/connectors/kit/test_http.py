"""The kit's HTTP client against a real server on loopback that fails in every way we know."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from matricula.connectors.kit.errors import GiveUp, ReadBack, Stop, TryAgain
from matricula.connectors.kit.http import Clock, Http, must_succeed, next_link, retry_after
from matricula.connectors.kit.pace import Pace
from matricula.connectors.kit.transport import Access

BY_NAME = "env:LMS_TOKEN"
BY_OTHER_NAME = "env:KOHA_PASSWORD"


class Script:
    """What the server does for each path, request by request; the last step repeats."""

    def __init__(self, **steps):
        self.steps = {f"/{name}": list(actions) for name, actions in steps.items()}
        self.seen = []

    def next(self, handler):
        path = handler.path.partition("?")[0]
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        self.seen.append((handler.command, handler.path, dict(handler.headers), body))
        actions = self.steps[path]
        return actions.pop(0) if len(actions) > 1 else actions[0]


@contextmanager
def served(script, *, certificate=None):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            script.next(self)(self)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(status, body=b"", **headers):
    def act(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return act


def cut(handler):
    """Reset the connection after the request was taken in."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_in_the_body(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


def dripping(handler):
    """Answer a little at a time, without end."""
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    for _ in range(100):
        handler.wfile.write(b" ")
        threading.Event().wait(0.05)


def silent(handler):
    threading.Event().wait(0.6)
    handler.close_connection = True


class Watch:
    """A clock that notes how long was waited and waits not at all."""

    def __init__(self):
        self.waits = []
        self.clock = Clock(
            sleep=self.waits.append,
            now=lambda: datetime(2026, 9, 1, 6, 0, tzinfo=UTC),
            chance=lambda: 1.0,
        )


@contextmanager
def client(script, **access):
    watch = Watch()
    with served(script) as url:
        http = Http(Access(url, **{"timeout_seconds": 0.3, **access}), clock=watch.clock)
        try:
            yield http, watch
        finally:
            http.close()


def test_a_read_that_is_refused_for_now_is_repeated_with_growing_pauses():
    script = Script(users=[answer(503), answer(503), answer(200, b'{"n": 1}')])

    with client(script) as (http, watch):
        found = http.send("GET", "/users").json()

    assert found == {"n": 1}
    assert watch.waits == [0.5, 1.0]


def test_a_pause_that_the_system_asks_for_is_kept():
    script = Script(users=[answer(429, Retry_After="7"), answer(200)])

    with client(script) as (http, watch):
        http.send("GET", "/users")

    assert watch.waits == [7.0]


def test_a_pause_given_as_a_date_is_understood():
    late = answer(503, Retry_After="Tue, 01 Sep 2026 06:00:09 GMT")
    script = Script(users=[late, answer(200)])

    with client(script) as (http, watch):
        http.send("GET", "/users")

    assert watch.waits == [9.0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("99999999999999", 31 * 86_400), ("9" * 5_000, 31 * 86_400), ("", 0), ("soon", 0),
        ("Fri, 31 Dec 99999999999 23:59:59 GMT", 0), ("-5", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 31 * 86_400),
    ],
)  # fmt: skip
def test_a_pause_beyond_reason_is_a_month_and_one_that_makes_no_sense_is_none(text, seconds):
    assert retry_after(text, now=datetime(2026, 9, 1, tzinfo=UTC)) == seconds


def test_a_long_pause_is_handed_on_and_not_sat_out():
    script = Script(users=[answer(503, Retry_After="3600")])

    with client(script) as (http, watch), pytest.raises(TryAgain) as refusal:
        http.send("GET", "/users")

    assert refusal.value.after_seconds == 3600.0
    assert watch.waits == []


def test_a_creation_that_is_refused_for_now_is_handed_back_unrepeated():
    script = Script(users=[answer(503, Retry_After="5")])

    with client(script) as (http, watch), pytest.raises(TryAgain) as refusal:
        http.send("POST", "/users", json={"name": "x"})

    assert (len(script.seen), refusal.value.after_seconds, watch.waits) == (1, 5.0, [])


@pytest.mark.parametrize("failure", [cut, silent, cut_in_the_body, answer(500), answer(502)])
def test_a_creation_whose_answer_is_lost_is_to_be_read_back_and_never_sent_twice(failure):
    script = Script(users=[failure])

    with client(script) as (http, _), pytest.raises(ReadBack):
        http.send("POST", "/users", json={"name": "x"})

    assert len(script.seen) == 1


@pytest.mark.parametrize("failure", [cut, silent, cut_in_the_body, answer(500)])
def test_a_read_whose_answer_is_lost_is_read_again(failure):
    script = Script(users=[failure, answer(200, b"whole")])

    with client(script) as (http, _):
        assert http.send("GET", "/users").body == b"whole"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_change_whose_answer_is_lost_is_to_be_read_back_and_never_sent_twice(method):
    script = Script(users=[cut])

    with client(script, attempts=2) as (http, _), pytest.raises(ReadBack):
        http.send(method, "/users", json={"name": "x"})

    assert len(script.seen) == 1


def test_a_replacement_that_is_refused_for_now_is_repeated():
    script = Script(users=[answer(503), answer(200)])

    with client(script) as (http, watch):
        http.send("PUT", "/users", json={"name": "x"})

    assert watch.waits == [0.5]


def test_every_request_waits_for_its_turn_where_the_system_allows_so_many(monkeypatch):
    asked = []
    monkeypatch.setattr(Pace, "wait", lambda _: asked.append("a turn"))
    script = Script(users=[answer(200)] * 3)

    with client(script, per_second=50) as (http, _):
        for _ in range(3):
            http.send("GET", "/users")

    assert len(asked) == 3


def test_a_system_that_is_not_there_is_tried_again_later():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    watch = Watch()
    http = Http(Access(f"http://127.0.0.1:{port}", attempts=3), clock=watch.clock)

    with pytest.raises(TryAgain) as refusal:
        http.send("GET", "/users", what="users")

    assert refusal.value.code == "M610"
    assert len(watch.waits) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_system_that_does_not_let_us_in_is_not_asked_again(status):
    script = Script(users=[answer(status)])

    with client(script) as (http, _), pytest.raises(Stop):
        http.send("GET", "/users")

    assert len(script.seen) == 1


def test_refusals_of_a_record_are_the_connectors_to_judge():
    script = Script(users=[answer(409, b'{"conflict": "cardnumber"}')])

    with client(script) as (http, _):
        found = http.send("POST", "/users", json={})

    assert (found.status, found.json()) == (409, {"conflict": "cardnumber"})


def test_a_status_that_the_connector_expects_comes_back_as_it_is():
    script = Script(users=[answer(500, b"known")])

    with client(script) as (http, _):
        assert http.send("POST", "/users", expect=frozenset({500})).body == b"known"


def test_a_redirect_to_a_host_that_the_charter_does_not_name_is_refused_before_it_is_followed():
    elsewhere = Script(stolen=[answer(200)])

    with served(elsewhere) as other:
        away = answer(302, Location=other.replace("127.0.0.1", "localhost") + "/stolen")
        with client(Script(users=[away])) as (http, _), pytest.raises(GiveUp) as refusal:
            http.send("GET", "/users")

    assert refusal.value.code == "M614"
    assert "localhost" in refusal.value.message
    assert elsewhere.seen == []


def test_a_redirect_to_a_named_host_is_followed():
    elsewhere = Script(moved=[answer(200, b"here")])

    with served(elsewhere) as other:
        away = answer(302, Location=other.replace("127.0.0.1", "localhost") + "/moved")
        hosts = frozenset({f"localhost:{urlsplit(other).port}"})
        with client(Script(users=[away]), hosts=hosts) as (http, _):
            assert http.send("GET", "/users", params={"a": "b"}).body == b"here"


@pytest.mark.parametrize("hosts", [{"localhost"}, {"localhost:9"}])
def test_another_port_of_a_named_host_is_another_server(hosts: set[str]):
    elsewhere = Script(stolen=[answer(200)])

    with served(elsewhere) as other:
        away = answer(302, Location=other.replace("127.0.0.1", "localhost") + "/stolen")
        script = Script(users=[away])
        with client(script, hosts=frozenset(hosts)) as (http, _), pytest.raises(GiveUp) as refusal:
            http.send("GET", "/users")

    assert refusal.value.code == "M614"
    assert elsewhere.seen == []


def test_a_system_that_is_encrypted_is_not_followed_into_the_clear():
    access = Access("https://127.0.0.1", hosts=frozenset({"localhost"}))

    for address in ("http://127.0.0.1/users", "http://localhost:443/users"):
        with closing(Http(access)) as http, pytest.raises(GiveUp, match="M614"):
            http.send("GET", address)


def test_a_redirect_to_another_port_of_the_same_machine_is_refused():
    elsewhere = Script(stolen=[answer(200)])

    with served(elsewhere) as other:
        script = Script(users=[answer(302, Location=f"{other}/stolen")])
        with client(script) as (http, _), pytest.raises(GiveUp) as refusal:
            http.send("GET", "/users")

    assert refusal.value.code == "M614"
    assert elsewhere.seen == []


def test_a_creation_whose_result_is_elsewhere_is_to_be_read_back():
    script = Script(users=[answer(303, Location="/users/1")])

    with client(script) as (http, _), pytest.raises(ReadBack):
        http.send("POST", "/users", json={})


def test_a_creation_is_never_redirected():
    script = Script(users=[answer(307, Location="/other")], other=[answer(200)])

    with client(script) as (http, _), pytest.raises(GiveUp):
        http.send("POST", "/users", json={})

    assert len(script.seen) == 1


def test_redirects_in_a_circle_come_to_an_end():
    script = Script(users=[answer(302, Location="/users")])

    with client(script) as (http, _), pytest.raises(GiveUp) as refusal:
        http.send("GET", "/users")

    assert refusal.value.code == "M615"


def test_an_address_without_tls_is_refused_beyond_this_machine():
    http = Http(Access("http://lms.northfield.example"))

    with pytest.raises(GiveUp) as refusal:
        http.send("GET", "/users")

    assert "https" in refusal.value.cure


def test_a_bearer_token_is_fetched_for_each_request(monkeypatch):
    script = Script(users=[answer(200)])
    monkeypatch.setenv("LMS_TOKEN", "first")

    with client(script, token=BY_NAME) as (http, _):
        http.send("GET", "/users")
        monkeypatch.setenv("LMS_TOKEN", "second")
        http.send("GET", "/users")

    assert [headers["Authorization"] for _, _, headers, _ in script.seen] == [
        "Bearer first",
        "Bearer second",
    ]


def test_a_user_and_password_are_sent_as_basic(monkeypatch):
    script = Script(users=[answer(200)])
    monkeypatch.setenv("KOHA_USER", "koha")
    monkeypatch.setenv("KOHA_PASSWORD", "pass:wörd")

    with client(script, user="env:KOHA_USER", password=BY_OTHER_NAME) as (http, _):
        http.send("GET", "/users")

    assert script.seen[0][2]["Authorization"] == "Basic a29oYTpwYXNzOnfDtnJk"


def test_a_secret_that_is_not_there_stops_the_system_in_the_kits_words(monkeypatch):
    monkeypatch.delenv("LMS_TOKEN", raising=False)
    script = Script(users=[answer(200)])

    with client(script, token=BY_NAME) as (http, _), pytest.raises(Stop) as refusal:
        http.send("GET", "/users")

    assert (refusal.value.code, script.seen) == ("M613", [])


def test_messages_and_logs_hold_no_query_no_body_and_no_secret(monkeypatch, caplog):
    monkeypatch.setenv("LMS_TOKEN", "s3cret")
    caplog.set_level(logging.DEBUG)
    script = Script(users=[answer(500, b"Amara Obi was not found")])

    with client(script, token=BY_NAME) as (http, _), pytest.raises(ReadBack) as refusal:
        http.send("POST", "/users", params={"email": "amara@x.example"}, json={"name": "Amara"})

    said = f"{refusal.value} {refusal.value!r} {caplog.text}"
    assert not [word for word in ("Amara", "amara", "s3cret") if word in said]


def test_pages_are_followed_to_the_last_by_their_links():
    first = answer(200, b"[1]", Link='</users?page=2>; rel="next", </users>; rel="first"')
    script = Script(users=[first, answer(200, b"[2]")])

    with client(script) as (http, _):
        params = {"limit": 1}
        pages = [page.json() for page in http.pages("/users", next_page=next_link, params=params)]

    assert pages == [[1], [2]]
    assert [path for _, path, _, _ in script.seen] == ["/users?limit=1", "/users?page=2"]


def test_pages_that_go_round_in_a_circle_are_refused():
    script = Script(users=[answer(200, b"[1]", Link='</users?page=2>; rel="next"')])

    with client(script) as (http, _), pytest.raises(GiveUp) as refusal:
        list(http.pages("/users", next_page=next_link))

    assert "circle" in refusal.value.message


def test_a_page_link_to_another_host_is_refused():
    script = Script(users=[answer(200, Link='<https://evil.example/users>; rel="next"')])

    with client(script) as (http, _), pytest.raises(GiveUp) as refusal:
        list(http.pages("/users", next_page=next_link))

    assert refusal.value.code == "M614"


def test_a_listing_that_fails_half_way_raises_and_does_not_end_early():
    first = answer(200, b"[1]", Link='</gone>; rel="next"')
    script = Script(users=[first], gone=[answer(404)])

    with client(script) as (http, _), pytest.raises(GiveUp) as refusal:
        list(http.pages("/users", next_page=next_link, what="users"))

    assert "status 404" in refusal.value.message


def test_an_answer_larger_than_any_should_be_is_refused():
    script = Script(users=[answer(200, b"x" * 5000)])

    with client(script, largest_answer_bytes=4096) as (http, _), pytest.raises(GiveUp):
        http.send("GET", "/users")


def test_a_creation_that_is_answered_beyond_reason_is_to_be_read_back():
    script = Script(users=[answer(200, b"x" * 5000)])

    with client(script, largest_answer_bytes=4096) as (http, _), pytest.raises(ReadBack):
        http.send("POST", "/users", json={})


@pytest.mark.parametrize(("method", "kind"), [("GET", TryAgain), ("POST", ReadBack)])
def test_an_answer_that_drips_without_end_is_given_up_at_the_deadline(method, kind):
    script = Script(users=[dripping])

    with client(script, deadline_seconds=0.2) as (http, watch), pytest.raises(kind):
        http.send(method, "/users")

    assert (len(script.seen), watch.waits) == (1, [])


def test_an_answer_that_should_be_json_and_is_not_is_refused_without_being_quoted():
    script = Script(users=[answer(200, b"<html>Amara</html>")])

    with client(script) as (http, _), pytest.raises(GiveUp) as refusal:
        http.send("GET", "/users").json()

    assert "Amara" not in str(refusal.value)


def test_an_answer_that_must_succeed_names_the_status_it_had():
    script = Script(users=[answer(404)])

    with client(script) as (http, _), pytest.raises(GiveUp) as refusal:
        must_succeed(http.send("GET", "/users"), what="users")

    assert refusal.value.message == "Users was answered with status 404."


def self_signed(folder):
    """Write a certificate for 127.0.0.1 that only vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "northfield")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_that_nobody_vouches_for_stops_the_system(tmp_path):
    script = Script(users=[answer(200)])

    with served(script, certificate=self_signed(tmp_path)) as url:
        http = Http(Access(url), clock=Watch().clock)
        with pytest.raises(Stop) as refusal:
            http.send("GET", "/users")

    assert "certificate" in refusal.value.message
    assert script.seen == []


def test_a_private_authority_named_in_the_settings_is_trusted(tmp_path):
    certificate = self_signed(tmp_path)

    with served(Script(users=[answer(200, b"ok")]), certificate=certificate) as url:
        http = Http(Access(url, ca_file=str(certificate)), clock=Watch().clock)

        assert http.send("GET", "/users").body == b"ok"
