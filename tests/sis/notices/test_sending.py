"""Notices: who is meant is decided once, what was taken is not sent again, and who read it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.notices import access, actions, queries, rules
from matricula.sis.notices.models import Delivery
from matricula.sis.people import actions as people
from tests.sis.conftest import AT, TODAY, acting, doing

TEXT = actions.Text("Laboratory closed", "The laboratory is closed on Friday.", True)
LATER = AT + timedelta(minutes=30)


def _send(*conditions, text=TEXT, who=None):
    with doing(who) as act:
        made = actions.send(act, rules.read(conditions), text)
    return made, act.left


def _states(notice, at=AT):
    return {one.student_no: one.state for one in queries.told(notice.number, at=at)}


def test_everybody_of_a_programme_who_is_a_student_is_told_at_the_address_of_the_day(
    amara, bela, chidi, post
):
    notice, _ = _send("programme:BIO")

    delivered = actions.deliver(AT)

    assert (delivered.sent, delivered.waiting) == (2, 0)
    assert [letter.to for letter in post.got] == ["amara@example.org", "bela@example.org"]
    assert {letter.subject for letter in post.got} == {"Laboratory closed"}
    assert _states(notice) == {amara.number: "sent", bela.number: "sent"}


def test_who_is_meant_does_not_change_after_sending(amara, bela, post):
    notice, _ = _send("programme:BIO")
    with doing() as act:
        contact = people.Contact("email", "study", "other@example.org")
        people.change_contact(act, amara.person, contact, on=TODAY)

    actions.deliver(AT)

    assert post.got[0].to == "amara@example.org"
    assert len(_states(notice)) == 2


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        (("programme:BIO", "status:active"), {"amara"}),
        (("status:active",), {"amara", "chidi"}),
        (("status:admitted", "programme:BIO", "programme:CHE"), {"bela"}),
        (("student:00000001", "student:00000003"), {"amara", "chidi"}),
        (("student:00000001", "programme:CHE", "student:00000003"), {"chidi"}),
    ],
)
def test_one_condition_of_each_kind_must_be_met(amara, bela, chidi, conditions, names):
    everybody = {"amara": amara, "bela": bela, "chidi": chidi}

    found = queries.meant(rules.read(conditions), on=TODAY)

    assert found == {everybody[name].number: everybody[name].person for name in names}


def test_whoever_has_no_address_is_left_to_a_person_and_keeps_nobody_waiting(amara, chidi, post):
    notice, left = _send("status:active")

    delivered = actions.deliver(AT)

    assert delivered.sent == 1
    assert _states(notice)[chidi.number] == "refused"
    assert chidi.number in left[0]


def test_who_is_restricted_gets_their_own_mail_and_no_list_shows_an_address(amara, post):
    with doing() as act:
        wish = people.Wish("directory_restriction")
        people.set_directive(act, amara.person, wish, on=TODAY)
    notice, _ = _send("programme:BIO")
    post.refuses.add("amara@example.org")

    actions.deliver(AT)

    (told,) = access.notice(acting(), notice.number)[1]
    assert told.state == "refused"
    assert "550" in told.said
    assert "amara@" not in str(told)


def test_what_was_sent_is_not_sent_again_and_a_server_that_was_away_is_asked_later(
    amara, bela, post, settings
):
    away = dict(settings.SMTP)
    settings.SMTP = {**away, "port": 9}
    _send("programme:BIO")
    nobody = actions.deliver(AT)
    settings.SMTP = away

    first, second = actions.deliver(AT, most=1), actions.deliver(AT)

    assert "could not be reached" in nobody.said
    assert (nobody.waiting, first.sent, second.sent, actions.deliver(AT).sent) == (2, 1, 1, 0)
    assert len(post.got) == 2


def test_without_a_mail_server_letters_wait_and_it_is_said(amara, settings):
    settings.SMTP = None
    _send("programme:BIO")

    delivered = actions.deliver(AT)

    assert delivered.waiting == 1
    assert "MATRICULA_SMTP_URL" in delivered.said


def test_a_letter_whose_answer_was_lost_is_not_sent_again_unless_somebody_says_so(
    amara, bela, post
):
    notice, _ = _send("programme:BIO")
    post.hangs_up = True
    lost = actions.deliver(AT)
    post.hangs_up = False

    again = actions.deliver(LATER)
    operator = acting("operator", at=LATER)
    with doing(operator) as act:
        actions.send_again(act, notice.number)
    settled = actions.deliver(LATER)

    assert (lost.sent, lost.waiting) == (0, 1)
    assert (again.sent, again.cut_short) == (1, 1)
    assert (settled.sent, settled.cut_short) == (1, 0)
    assert [one.to for one in post.got].count("amara@example.org") == 2


def test_a_server_that_says_not_now_to_one_keeps_no_other_from_getting_theirs(amara, bela, post):
    _send("programme:BIO")
    post.later.add("amara@example.org")

    busy = actions.deliver(AT)
    post.later.clear()
    free = actions.deliver(LATER)

    assert (busy.sent, busy.waiting, free.sent) == (1, 1, 1)


def test_a_letter_that_another_worker_is_sending_is_left_to_it(amara, bela, post):
    _send("programme:BIO")
    Delivery.objects.filter(person=bela.person).update(state="sending", tried_at=AT)

    delivered = actions.deliver(AT)

    assert (delivered.sent, delivered.cut_short) == (1, 0)
    assert [one.to for one in post.got] == ["amara@example.org"]


def test_whoever_got_a_notice_says_that_they_read_it_once_and_nobody_else_does(amara, bela):
    notice, _ = _send("student:00000001")
    own = acting("student", "own", person=amara.person)
    with doing(own) as act:
        first = actions.acknowledge(act, notice.number)
    with doing(acting("student", "own", person=amara.person, at=LATER)) as act:
        second = actions.acknowledge(act, notice.number)

    with (
        pytest.raises(Refused) as refused,
        doing(acting("student", "own", person=bela.person)) as act,
    ):
        actions.acknowledge(act, notice.number)

    assert (first, second) == (AT, AT)
    assert refused.value.code == "M979"


def test_who_has_not_read_it_is_listed(amara, bela):
    notice, _ = _send("programme:BIO")
    with doing(acting("student", "own", person=amara.person)) as act:
        actions.acknowledge(act, notice.number)

    told = queries.told(notice.number, at=AT)

    assert queries.not_acknowledged(told) == [bela.number]
    assert queries.counts(told)["acknowledged"] == 1


def test_a_student_reads_their_own_notices_and_no_others(amara, bela):
    notice, _ = _send("student:00000001")

    mine = access.own_letters(acting("student", "own", person=amara.person))
    others = access.own_letters(acting("student", "own", person=bela.person))

    assert [(one.number, one.body) for one in mine] == [(notice.number, TEXT.body)]
    assert others == []


@pytest.mark.parametrize(
    ("conditions", "text", "code"),
    [
        (("programme:BIO", "status:revoked"), TEXT, "M977"),
        (("status:happy",), TEXT, "M977"),
        (("student:99999999",), TEXT, "M977"),
        (("programme:LAW",), TEXT, "M921"),
        (("programme:BIO",), actions.Text("", "Text"), "M978"),
    ],
)
def test_a_notice_to_nobody_or_of_nothing_is_refused_and_nothing_is_written(
    amara, conditions, text, code
):
    with pytest.raises(Refused) as refused:
        _send(*conditions, text=text)

    assert refused.value.code == code
    assert not Delivery.objects.exists()


def test_the_audit_names_the_audience_and_how_many_and_no_address(amara):
    notice, _ = _send("programme:BIO")

    (entry,) = audited("notice", notice.number)

    assert entry.action == "send notice"
    assert "example.org" not in str(entry)
