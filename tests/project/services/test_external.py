"""A database of somebody else's: prepared when the login may, otherwise with the statement to run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from project.services import external
from project.services.cluster import throwaway_cluster
from project.services.diagnosis import examine_database
from project.services.errors import ServiceError
from project.services.external import prepare_database


class Site:
    """A server without our roles, and in it a database with a login of its own, as a hosting company gives it out."""

    def __init__(self, sockets: Path) -> None:
        self.sockets = sockets
        self.url = f"postgresql://site_login@/site?host={sockets}"

    def administrate(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(host=str(self.sockets), user="postgres", dbname=database, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def let_login_prepare(self) -> None:
        self.administrate("ALTER ROLE site_login CREATEROLE")


@pytest.fixture(scope="module")
def bare_server() -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("project.services.postgres.prepare_roles", lambda sockets: None)
        with throwaway_cluster("external", want_valkey=False) as running:
            yield running.place.sockets


@pytest.fixture
def site(bare_server: Path) -> Iterator[Site]:
    site = Site(bare_server)
    site.administrate("CREATE ROLE site_login LOGIN", "CREATE DATABASE site OWNER site_login")
    site.administrate("CREATE EXTENSION vector", database="site")
    yield site
    site.administrate(
        "DROP DATABASE site WITH (FORCE)",
        "DROP ROLE IF EXISTS als_app",
        "DROP ROLE IF EXISTS web_login",
        "DROP ROLE site_login",
    )


def test_a_login_that_may_create_roles_prepares_everything_and_again_without_harm(site: Site) -> None:
    site.let_login_prepare()
    assert "role als_app created" in prepare_database(site.url)
    assert "role als_app is there" in prepare_database(site.url)
    with psycopg.connect(site.url, options="-c role=als_app") as application:
        row = application.execute(
            "SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = current_user"
        )
        assert row.fetchone() == (False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("CREATE TABLE forbidden (id int)")


def test_the_application_and_the_owner_can_be_two_logins(site: Site) -> None:
    site.let_login_prepare()
    site.administrate("CREATE ROLE web_login LOGIN")
    web_url = site.url.replace("site_login", "web_login")
    prepare_database(web_url, site.url)
    with psycopg.connect(web_url, options="-c role=als_app") as application:
        assert application.execute("SELECT current_user").fetchone() == ("als_app",)


def test_a_login_that_may_not_create_roles_is_told_both_statements_in_turn(site: Site) -> None:
    with pytest.raises(ServiceError, match="CREATE ROLE als_app NOLOGIN NOSUPERUSER NOBYPASSRLS;") as first:
        prepare_database(site.url)
    site.administrate(statement_in(first.value))
    with pytest.raises(ServiceError, match="GRANT als_app TO") as second:
        prepare_database(site.url)
    site.administrate(statement_in(second.value))
    assert "site_login may act as als_app" in prepare_database(site.url)


def test_a_login_that_owns_nothing_is_told_to_be_made_the_owner(site: Site) -> None:
    site.administrate("ALTER DATABASE site OWNER TO postgres")
    with pytest.raises(ServiceError, match="ALTER DATABASE") as refusal:
        prepare_database(site.url)
    site.administrate(statement_in(refusal.value))
    with pytest.raises(ServiceError, match="CREATE ROLE als_app"):  # one step further
        prepare_database(site.url)


@pytest.mark.parametrize("right", ["SUPERUSER", "BYPASSRLS"])
def test_a_role_that_bypasses_row_level_security_is_refused(site: Site, right: str) -> None:
    site.administrate(f"CREATE ROLE als_app {right}")
    with pytest.raises(ServiceError, match="bypass row-level security") as refusal:
        prepare_database(site.url)
    site.administrate(statement_in(refusal.value), "GRANT als_app TO site_login")
    prepare_database(site.url)


def test_a_role_that_could_become_the_owner_is_refused(site: Site) -> None:
    site.administrate("CREATE ROLE als_app", "GRANT site_login TO als_app")
    with pytest.raises(ServiceError, match="REVOKE") as refusal:
        prepare_database(site.url)
    site.administrate(statement_in(refusal.value), "GRANT als_app TO site_login")
    prepare_database(site.url)


def test_a_login_that_may_not_create_the_vector_extension_is_told_where_it_is_missing(site: Site) -> None:
    site.administrate("DROP EXTENSION vector", database="site")
    with pytest.raises(ServiceError, match=r"in the database site .*: CREATE EXTENSION vector;") as refusal:
        prepare_database(site.url)
    site.administrate(statement_in(refusal.value), database="site")
    with pytest.raises(ServiceError, match="CREATE ROLE als_app"):  # one step further
        prepare_database(site.url)


def test_an_old_server_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "OLDEST_VERSION", 99)
    with pytest.raises(ServiceError, match="99 or newer is needed"):
        prepare_database(site.url)


def test_a_server_without_pgvector_is_told_what_to_install(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "EXTENSIONS", ("not_there",))
    with pytest.raises(ServiceError, match="not_there is not installed on the database server"):
        prepare_database(site.url)


def test_an_address_where_nobody_listens_is_said_to_be_unreachable(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="cannot be reached"):
        prepare_database(f"postgresql://login@/site?host={tmp_path}")


def test_the_doctor_accepts_the_bound_role_and_no_other(site: Site) -> None:
    site.let_login_prepare()
    prepare_database(site.url)
    assert examine_database({"conninfo": site.url, "options": "-c role=als_app"}).ok
    superuser = examine_database({"host": str(site.sockets), "user": "postgres", "dbname": "site"})
    assert not superuser.ok and "bypasses row-level security" in superuser.text
    with psycopg.connect(site.url) as owner:
        owner.execute("CREATE TABLE mine (id int)")
    owning = examine_database({"conninfo": site.url})
    assert not owning.ok and "owns 1 tables" in owning.text


def statement_in(error: ServiceError) -> str:
    """What the message tells an administrator to run."""
    return str(error).split("administrator: ")[1]
