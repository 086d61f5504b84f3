"""What a line or a server can do in the middle: lost answers, busy, gone, certificates."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.errors import GiveUp, ReadBack, SkipRow, Stop, TryAgain
from matricula.connectors.kit.protocol import Write
from matricula.connectors.ldap import slapd
from tests.connectors.ldap.conftest import Campus, create, person, update
from tests.counterparts.faulty_directory import Fault, Line, faulty_directory
from tests.counterparts.slapd_server import Hand, branch_of, connected, door, door_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.any_database


@pytest.fixture
def line() -> Iterator[Line]:
    if not door().is_ours:
        pytest.skip("a line is broken only before a server of our own")
    with faulty_directory(door().url) as running:
        yield running


@pytest.fixture
def faulty(line: Line) -> Iterator[Campus]:
    """A connector whose line to the directory can break."""
    with ExitStack() as stack:
        branch = stack.enter_context(branch_of(door()))
        connector = stack.enter_context(
            connected(branch, url=line.url, timeout_seconds=2, concurrency=4)
        )
        hand = Hand(door())
        stack.callback(hand.close)
        yield Campus(connector, branch, hand)


def test_a_creation_whose_answer_is_lost_is_unknown_and_found_by_reading(
    faulty: Campus, line: Line
):
    line.faults.append(Fault("add", "lost"))

    (outcome,) = faulty.write(create(person()))

    assert isinstance(outcome.error, ReadBack)
    assert [row["uid"] for row in faulty.rows()] == ["ango"]
    (again,) = faulty.write(create(person()))
    assert again.adopted
    assert len(faulty.rows()) == 1


def test_an_answer_that_never_comes_is_waited_for_no_longer_than_said(make_campus, line: Line):
    campus: Campus = make_campus(url=line.url, timeout_seconds=0.2)
    campus.rows()
    line.faults.append(Fault("add", "silent"))
    before = time.monotonic()

    (outcome,) = campus.write(create(person()))

    assert isinstance(outcome.error, ReadBack)
    assert time.monotonic() - before < 1.5


def test_what_was_not_sent_when_the_line_broke_is_for_later(faulty: Campus, line: Line):
    people = [create(person(f"p{n}", f"S{n}")) for n in range(12)]
    line.faults.append(Fault("add", "lost", after=2))

    outcomes = faulty.write(*people)

    kinds = [type(one.error) for one in outcomes]
    assert ReadBack in kinds
    assert kinds[-1] is TryAgain
    there = {row["uid"] for row in faulty.rows()}
    for write, outcome in zip(people, outcomes, strict=True):
        if outcome.error is None:
            assert write.fields["uid"] in there
        if isinstance(outcome.error, TryAgain):
            assert write.fields["uid"] not in there


@pytest.mark.parametrize(("code", "said"), [(51, "M611"), (52, "M610")])
def test_a_busy_directory_is_left_alone(faulty: Campus, line: Line, code: int, said: str):
    line.faults.append(Fault("add", code, times=1))

    outcomes = faulty.write(*(create(person(f"p{n}", f"S{n}")) for n in range(40)))

    assert line.asked.count("add") < 40
    errors = [one.error for one in outcomes if one.error is not None]
    assert errors
    assert all(isinstance(one, TryAgain) and one.code == said for one in errors)
    assert len(faulty.rows()) == 40 - len(errors)


def test_a_connection_that_went_stale_is_made_again(faulty: Campus, line: Line):
    faulty.make(person())
    line.faults.append(Fault("search", "cut"))

    assert len(faulty.rows()) == 1
    assert line.asked.count("bind") == 2


def test_a_listing_that_breaks_off_is_not_half_believed(make_campus, line: Line):
    campus: Campus = make_campus(url=line.url, page_size=2)
    campus.make(*(person(f"p{n}", f"S{n}") for n in range(6)))
    line.faults.append(Fault("search", "cut", after=1))

    with pytest.raises(TryAgain):
        campus.rows()


def test_half_of_a_suspension_that_breaks_off_is_unknown(faulty: Campus, line: Line):
    (identifier,) = faulty.make(person())
    line.faults.append(Fault("modify", "cut"))

    (outcome,) = faulty.write(Write("key", "suspend", identifier, person()))

    assert isinstance(outcome.error, ReadBack)
    assert faulty.row("ango")["_suspended"] is False
    (again,) = faulty.write(Write("key", "suspend", identifier, person()))
    assert again.error is None
    assert faulty.row("ango")["_suspended"] is True


def test_a_copy_that_sends_writes_elsewhere_is_named(faulty: Campus, line: Line):
    line.faults.append(Fault("add", 10, times=9))

    with pytest.raises(GiveUp, match="M741"):
        faulty.write(create(person()), create(person("b", "S000002")))


def test_a_refused_write_of_many_is_settled_alone(campus: Campus):
    rows = [person(f"p{n}", f"S{n}") for n in range(5)]
    rows[2] = {**rows[2], "mail": "é"}

    outcomes = campus.write(*map(create, rows))

    assert [type(one.error) for one in outcomes] == [
        type(None), type(None), SkipRow, type(None), type(None),
    ]  # fmt: skip
    assert len(campus.rows()) == 4


def test_what_speaks_no_ldap_is_no_directory(make_campus):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_greet, args=(listener,), daemon=True).start()
        campus: Campus = make_campus(url=f"ldap://127.0.0.1:{listener.getsockname()[1]}")

        health = campus.connector.ping()

    assert not health.well


def _greet(listener: socket.socket) -> None:
    with listener.accept()[0] as one:
        one.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 20)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A private authority's certificate, and the directory's own with its key."""
    folder = tmp_path_factory.mktemp("tls")
    root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    certificates = {
        "ca": _certificate("Northfield CA", "Northfield CA", root.public_key(), root),
        "server": _certificate("localhost", "Northfield CA", leaf.public_key(), root),
    }
    for name, one in certificates.items():
        (folder / f"{name}.pem").write_bytes(one.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        leaf.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "ca.pem", folder / "server.pem", folder / "key.pem"


def _certificate(
    name: str, by: str, key: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    def called(one: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)])

    now, is_root = datetime.now(UTC), name == by
    return (
        x509.CertificateBuilder()
        .subject_name(called(name))
        .issuer_name(called(by))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def encrypted(authority: tuple[Path, Path, Path]) -> Iterator[slapd.DirectoryServer]:
    """A directory that lets nobody in before the connection is encrypted."""
    if slapd.binary() is None:
        pytest.skip(slapd.MISSING)
    with slapd.directory_server(slapd.Extras(tls=authority, only_encrypted=True)) as server:
        yield server


@contextmanager
def over(server: slapd.DirectoryServer, **settings: object) -> Iterator[Campus]:
    with connected(slapd.SUFFIX, door_of(server), **settings) as connector:
        yield Campus(connector, slapd.SUFFIX, None)  # type: ignore[arg-type]  # nobody works by hand


@pytest.mark.parametrize("how", ["ldaps", "starttls"])
def test_a_private_authority_is_trusted_when_it_is_named(
    encrypted: slapd.DirectoryServer, authority: tuple[Path, Path, Path], how: str
):
    url = encrypted.secure_url if how == "ldaps" else _by_name(encrypted)

    with over(encrypted, url=url, starttls=True, ca_file=str(authority[0])) as campus:
        (made,) = campus.make(person(how, how))
        (outcome,) = campus.connector.write("people", [update(made, title="a")], at=AT)
        row = campus.row(how)

    assert outcome.error is None
    assert row["title"] == "a"


def _by_name(server: slapd.DirectoryServer) -> str:
    return server.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("how", ["ldaps", "starttls"])
def test_a_certificate_of_an_unknown_authority_is_refused(
    encrypted: slapd.DirectoryServer, how: str
):
    url = encrypted.secure_url if how == "ldaps" else _by_name(encrypted)

    with over(encrypted, url=url, starttls=True) as campus, pytest.raises(Stop, match="M613"):
        campus.connector.describe()


def test_a_certificate_for_another_name_is_refused(
    encrypted: slapd.DirectoryServer, authority: tuple[Path, Path, Path]
):
    with (
        over(encrypted, url=encrypted.url, starttls=True, ca_file=str(authority[0])) as campus,
        pytest.raises(Stop, match="certificate"),
    ):
        campus.connector.describe()


def test_a_password_is_not_sent_in_the_clear_to_a_directory_that_wants_it_encrypted(
    encrypted: slapd.DirectoryServer,
):
    with over(encrypted, url=encrypted.url, starttls=False) as campus:
        health = campus.connector.ping()

    assert not health.well
    assert "encrypted" in health.sentence


def test_a_directory_without_tls_does_not_get_the_password(make_campus: Callable[..., Campus]):
    if not door().is_ours:
        pytest.skip("the directory that is named may well have TLS")
    campus = make_campus(starttls=True)

    with pytest.raises(Stop, match="StartTLS"):
        campus.connector.describe()


def test_a_file_of_certificates_that_is_not_there_is_said(encrypted: slapd.DirectoryServer):
    with (
        over(encrypted, url=encrypted.secure_url, ca_file="/nowhere/ca.pem") as campus,
        pytest.raises(Stop, match="ca_file"),
    ):
        campus.connector.describe()
