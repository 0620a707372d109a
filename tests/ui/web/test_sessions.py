"""Which sessions are remembered: open pages stay, invented ones are forgotten first."""

from types import SimpleNamespace

import gradio as gr

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


def test_a_page_keeps_its_values_and_no_copy_of_the_settings_of_all_components() -> None:
    with gr.Blocks() as page:
        kept, slider = gr.State(1), gr.Slider(0, 10)
    states = SessionStates(OpenPages())
    states.set_blocks(page)  # type: ignore[no-untyped-call]
    session = states["one"]
    session[kept._id] = 2
    session[slider._id] = gr.Slider(0, 20)
    session._update_value_in_config(slider._id, 15)
    assert session[kept._id] == 2
    assert session[slider._id].maximum == 20
    assert states["other"][kept._id] == 1
    assert states["other"][slider._id].maximum == 10
    assert states["one"] is session
    assert not any(session.config_values.values())
