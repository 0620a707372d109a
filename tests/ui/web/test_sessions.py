"""Which sessions are remembered: open pages stay, invented ones are forgotten first."""

from types import SimpleNamespace

from mnist_demo.ui.web.sessions import OpenPages, SessionMessages, SessionStates


def test_a_page_is_open_until_its_last_heartbeat_ends() -> None:
    pages = OpenPages()
    with pages.open("a"):
        with pages.open("a"):
            assert "a" in pages
            assert len(pages) == 1
        assert "a" in pages
    assert "a" not in pages
    assert len(pages) == 0


def test_invented_sessions_push_out_one_another_and_no_page() -> None:
    pages = OpenPages()
    messages = SessionMessages(pages, max_size=3)
    with pages.open("page"):
        messages["page"] = 0
        for number in range(50):
            messages[f"invented {number}"] = number
            assert len(messages) <= 3
        assert "page" in messages
        assert "invented 49" in messages


def test_the_values_of_an_open_page_outlive_many_invented_ones() -> None:
    pages = OpenPages()
    states = SessionStates(pages)
    states.capacity = 2
    with pages.open("page"):
        for session in ("page", *(f"invented {number}" for number in range(20))):
            states.session_data[session] = SimpleNamespace()  # type: ignore[assignment]
            states.update(session)
        assert "page" in states.session_data
        assert "invented 19" in states.session_data
        assert len(states.session_data) <= 4
