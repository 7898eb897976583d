"""Where files go: short socket paths, root's closed folders, other people's traps, keys."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from project import services
from project.services import local_model
from project.services.account import Account
from project.services.errors import ServiceError
from project.services.folders import data_folder, private_folder, state_folder
from project.services.place import Place, default_name

STRANGER = Account("stranger", 54321, 54321)


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALS_STATE_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def lend(monkeypatch: pytest.MonkeyPatch, account: Account | None) -> None:
    monkeypatch.setattr("project.services.place.server_account", lambda: account)


def test_addresses_name_the_role_and_the_socket() -> None:
    sockets = Place("dev").sockets
    assert services.database_url("dev", "app") == f"postgresql://als_app@/als?host={sockets}"
    assert services.database_url("dev", "owner") == f"postgresql://als_owner@/als?host={sockets}"
    assert services.redis_url("dev") == sockets / "valkey.sock"


def test_the_port_of_the_model_can_be_chosen_and_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALS_MODEL_PORT", raising=False)
    assert services.model_url() == "http://127.0.0.1:8089/v1"
    monkeypatch.setenv("ALS_MODEL_PORT", "9001")
    assert services.model_url() == "http://127.0.0.1:9001/v1"
    for wrong in ("0", "65536", "port", "-1", "\N{SUPERSCRIPT TWO}"):
        monkeypatch.setenv("ALS_MODEL_PORT", wrong)
        with pytest.raises(ServiceError, match="ALS_MODEL_PORT"):
            services.model_url()


def test_a_taken_port_of_the_model_gives_way_to_a_free_one_that_every_process_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ALS_MODEL_PORT", raising=False)
    state_folder(Place(default_name()))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        usual = other.getsockname()[1]
        monkeypatch.setattr(local_model, "DEFAULT_MODEL_PORT", usual)
        taken = local_model.take_model_port(None)
        assert taken != usual
        assert services.model_url() == f"http://127.0.0.1:{taken}/v1"
        assert local_model.take_model_port(9001) == 9001  # named by somebody, who is told when it is taken
        assert services.model_url() == "http://127.0.0.1:9001/v1"
    assert local_model.take_model_port(None) == usual  # free again


def test_a_long_path_gets_its_sockets_in_the_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lend(monkeypatch, None)
    monkeypatch.setenv("ALS_STATE_DIR", str(tmp_path / ("long" * 30)))
    sockets = Place("dev").sockets
    assert sockets.parent == Path(tempfile.gettempdir())
    assert len(str(sockets / ".s.PGSQL.5432.lock")) < 107
    assert sockets == Place("dev").sockets != Place("test").sockets


def test_data_lies_beside_the_state_when_the_account_can_get_there(
    monkeypatch: pytest.MonkeyPatch, state_dir: Path
) -> None:
    lend(monkeypatch, None)
    assert Place("dev").data == state_dir / "dev" / "data"
    lend(monkeypatch, STRANGER)
    monkeypatch.setattr(Account, "can_reach", lambda self, path: True)
    assert Place("dev").data == state_dir / "dev" / "data"


def test_data_moves_out_of_a_closed_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lend(monkeypatch, STRANGER)
    tmp_path.chmod(0o700)
    place = Place("dev")
    assert place.data == place.elsewhere
    assert not place.data.is_relative_to(tmp_path)


def test_data_that_is_there_stays_when_the_folder_is_closed_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lend(monkeypatch, STRANGER)
    (tmp_path / "var/dev/data").mkdir(parents=True)
    tmp_path.chmod(0o700)
    assert Place("dev").data == tmp_path / "var/dev/data"


def test_data_of_a_deleted_tree_of_the_same_path_is_put_aside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lend(monkeypatch, Account("me", os.geteuid(), os.getegid()))
    monkeypatch.setattr("project.services.place.SYSTEM_DIR", tmp_path / "system")
    monkeypatch.setattr(Account, "can_reach", lambda self, path: False)
    state_folder(Place("dev"))
    (data_folder(Place("dev")) / "precious").touch()
    assert (data_folder(Place("dev")) / "precious").exists()  # the same tree finds it again
    (Place("dev").state / "data-is-elsewhere").unlink()  # another tree at the same path
    assert not list(data_folder(Place("dev")).iterdir())
    assert len(list((tmp_path / "system").glob("*-left-*/precious"))) == 1  # and nothing was lost


def test_an_account_reaches_a_folder_only_through_open_folders(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    inner = closed / "inner"
    inner.mkdir(parents=True)
    inner.chmod(0o755)
    closed.chmod(0o700)
    owner = Account("me", closed.stat().st_uid, closed.stat().st_gid)
    assert not STRANGER.can_reach(inner)
    assert owner._may_enter(inner) and owner._may_enter(closed)
    closed.chmod(0o711)
    assert STRANGER._may_enter(closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another account")
def test_a_folder_that_another_account_laid_out_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    os.chown(trap, STRANGER.uid, STRANGER.gid)
    with pytest.raises(ServiceError, match="another account"):
        private_folder(trap)


def test_a_link_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ServiceError):
        private_folder(tmp_path / "link")


@pytest.mark.parametrize("name", ["", "../dev", "Dev", "a/b", "x" * 41])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ServiceError, match="no name"):
        Place(name)


def test_the_secret_key_is_made_once_and_readable_by_its_owner_alone(state_dir: Path) -> None:
    first = services.secret_key("dev")
    assert len(first) >= 50
    assert services.secret_key("dev") == first
    assert (state_dir / "dev/secret-key").stat().st_mode & 0o777 == 0o600
    assert services.secret_key("test") != first
    assert [path.name for path in (state_dir / "dev").iterdir()] == ["secret-key"]
