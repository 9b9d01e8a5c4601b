"""How the service takes a signal."""

import signal

import pytest
import uvicorn

from service.cli import server


def test_a_second_ctrl_c_while_the_first_is_handled_does_not_cut_the_shutdown_off(monkeypatch: pytest.MonkeyPatch):
    one = server._One(uvicorn.Config("service.app:create", factory=True, log_config=None))
    said: list[str] = []

    def say() -> None:
        said.append("stopping")
        one.handle_exit(signal.SIGINT, None)

    monkeypatch.setattr(server, "_say_stopping", say)
    one.handle_exit(signal.SIGINT, None)
    assert said == ["stopping"]
    assert one.should_exit
    assert not one.force_exit
